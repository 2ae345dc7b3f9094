// One user's session, kept in a file that only its owner reads: who they are, their tokens, their master key.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fromBase64, toBase64 } from './bytes.mjs';

export class Session {
  constructor(file, state = {}) {
    this.file = file;
    this.state = state;
  }

  static load(file) {
    return new Session(file, JSON.parse(readFileSync(file, 'utf8')));
  }

  // Renamed when complete: scripts read the file meanwhile.
  save() {
    writeFileSync(`${this.file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }

  get userId() {
    return this.state.userId;
  }
  get masterKey() {
    if (!this.state.masterKey) throw new Error('the session has no master key');
    return fromBase64(this.state.masterKey);
  }
  set masterKey(bytes) {
    this.state.masterKey = toBase64(bytes);
  }
}
