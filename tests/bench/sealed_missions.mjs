#!/usr/bin/env node
// Missions with one note each as their input, for the log: `sealed_missions.mjs <users> <missions-each> <tag>
// <public-key-file>` prints JSON lines {user, app, table, id, data}, in which the notes are sealed and the missions
// hold grants; without the key's file the same in plaintext.
import { readFileSync } from 'node:fs';
import { randomBytes } from '../e2e/browser/bytes.mjs';
import { importPublicKey, issueGrant } from '../e2e/browser/grant.mjs';
import { sealRecord } from '../e2e/browser/records.mjs';

const [users, missionsEach, tag, publicKeyFile] = process.argv.slice(2);
const publicKey = publicKeyFile && (await importPublicKey(readFileSync(publicKeyFile, 'utf8')));
const stamp = new Date().toISOString();

const note = {
  title: 'Wochenplan', createdAt: stamp, updatedAt: stamp,
  content: 'Montag und Donnerstag laufen, am Wochenende eine lange Runde; am Mittwoch ist abends keine Zeit. '.repeat(4),
};
const mission = (noteId) => ({
  title: 'Fit durch den Alltag', objective: 'Hilf mir, meine Ziele in dieser Woche zu erreichen.', conceptMarkdown: '',
  state: 'active', inputs: [{ module: 'notes', table: 'notes', id: noteId }], iterations: [], timeZone: 'Europe/Berlin',
  cadence: { kind: 'daily', atHour: 7, atMinute: 0 }, createdAt: stamp, updatedAt: stamp,
  nextRunAt: new Date(Date.now() - 1000).toISOString(),
});

async function rowsOf(user, n, masterKey) {
  const noteId = `note-${user}-${tag}-${n}`;
  const missionId = `mission-${user}-${tag}-${n}`;
  const rows = [
    { user, app: 'notes', table: 'notes', id: noteId, data: note },
    { user, app: 'ai', table: 'aiMissions', id: missionId, data: mission(noteId) },
  ];
  if (publicKey) {
    const asked = { missionId, tables: ['notes'], recordIds: [`notes:${noteId}`] };
    rows[0].data = await sealRecord(masterKey, 'notes', noteId, note);
    rows[1].data.grant = await issueGrant({ userId: user, masterKey, asked }, publicKey);
  }
  return rows;
}

for (let u = 1; u <= Number(users); u += 1) {
  const user = `user-${String(u).padStart(6, '0')}`;
  const masterKey = randomBytes(32);
  const missions = Array.from({ length: Number(missionsEach) }, (_, n) => rowsOf(user, n + 1, masterKey));
  for (const row of (await Promise.all(missions)).flat()) process.stdout.write(`${JSON.stringify(row)}\n`);
}
