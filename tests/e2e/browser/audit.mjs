// The user's chain of audit rows, recomputed from what the API shows.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { concat, fromBase64, fromHex, prefixed, sameBytes, toHex, uint32, utf8 } from './bytes.mjs';
import { keyIdOf } from './keys.mjs';

const rowHeader = utf8('mana-ai-audit:v1');
const headHeader = utf8('mana-ai-audit-head:v1');
const noHash = new Uint8Array(32);
const nullText = uint32(0xffffffff);
const ed25519SpkiPrefix = fromHex('302a300506032b6570032100');

export function canonicalRow(userId, row) {
  const { position, ts, missionId, iterationId, tableName, recordId, status, reason, previousHash } = row;
  const texts = [userId, String(position), ts, missionId, iterationId, tableName, recordId, status, reason];
  return concat(rowHeader, ...texts.map((text) => (text === null ? nullText : prefixed(text))), fromHex(previousHash));
}

// Rows in any order; `anchor` {position, hash}: the last row that retention has removed, which the first of these
// continues. {ok, rows, head: {position, hash}, firstBad}, as the service's own check answers.
export function verifyChain(userId, rows, anchor = null) {
  const ordered = [...rows].sort((a, b) => Number(a.position) - Number(b.position));
  let position = anchor ? Number(anchor.position) : 0;
  let hash = anchor ? anchor.hash : toHex(noHash);
  for (const row of ordered) {
    position += 1;
    const bad = (problem) => ({
      ok: false, rows: ordered.length, head: { position: position - 1, hash },
      firstBad: { position: Number(row.position), id: row.id, problem },
    });
    if (Number(row.position) !== position) return bad('a position is missing or taken twice');
    if (row.previousHash !== hash) return bad('it does not follow on the row before');
    const computed = createHash('sha256').update(canonicalRow(userId, row)).digest('hex');
    if (row.hash !== computed) return bad('its hash is not that of its content');
    hash = computed;
  }
  return { ok: true, rows: ordered.length, head: { position, hash }, firstBad: null };
}

export const canonicalHead = ({ userId, position, hash, at }) =>
  concat(headHeader, ...[userId, String(position), hash, at].map(prefixed));

// That the signed bytes are the statement's and that the signature is the key's. Which key to trust is the caller's to
// know: `keyId` names it.
export async function verifyHead({ statement, canonical, signature, keyId, publicKey }) {
  const raw = fromBase64(publicKey);
  const spki = concat(ed25519SpkiPrefix, raw);
  if (raw.length !== 32 || (await keyIdOf(spki)) !== keyId) throw new Error('the key is not the one it is named as');
  const signed = canonicalHead(statement);
  if (!sameBytes(fromBase64(canonical), signed)) throw new Error('the signed bytes are not those of the statement');
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (!verify(null, signed, key, fromBase64(signature))) throw new Error("the head's signature is wrong");
}
