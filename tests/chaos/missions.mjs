#!/usr/bin/env node
// Missions for the change log: `missions.mjs <users> <missions> <every-nth-granted> <public-key-file>` prints JSON
// lines {user, app, table, id, data}. Every nth mission has a sealed note as its input, whose text holds
// `MARK-<mission id>`, and a grant for it; the others have a goal. None has a next run yet.
import { readFileSync } from 'node:fs';
import { randomBytes } from '../e2e/browser/bytes.mjs';
import { importPublicKey, issueGrant } from '../e2e/browser/grant.mjs';
import { sealRecord } from '../e2e/browser/records.mjs';

const [users, missions, everyNthGranted, publicKeyFile] = process.argv.slice(2);
const publicKey = await importPublicKey(readFileSync(publicKeyFile, 'utf8'));
const stamp = new Date().toISOString();
const stamps = { createdAt: stamp, updatedAt: stamp };
const aDay = 24 * 60;

const mission = (input) => ({
  ...stamps, title: 'Neu', objective: 'Hilf mir, meine Ziele in dieser Woche zu erreichen.', conceptMarkdown: '',
  state: 'active', inputs: [input], iterations: [], cadence: { kind: 'interval', everyMinutes: aDay },
});

const goal = {
  ...stamps, title: 'Dreimal laufen', status: 'active', currentValue: 1, target: { value: 3, period: 'week' },
};

function withGoal(user, missionId) {
  const input = { module: 'goals', table: 'companionGoals', id: `goal-${user}` };
  return [{ user, app: 'ai', table: 'aiMissions', id: missionId, data: mission(input) }];
}

async function withNote(user, missionId, masterKey) {
  const noteId = `note-${missionId}`;
  const text = { ...stamps, title: 'Notiz', content: `MARK-${missionId}` };
  const note = await sealRecord(masterKey, 'notes', noteId, text);
  const asked = { missionId, tables: ['notes'], recordIds: [`notes:${noteId}`] };
  const data = mission({ module: 'notes', table: 'notes', id: noteId });
  data.grant = await issueGrant({ userId: user, masterKey, asked }, publicKey);
  return [
    { user, app: 'notes', table: 'notes', id: noteId, data: note },
    { user, app: 'ai', table: 'aiMissions', id: missionId, data },
  ];
}

const masterKeys = new Map();
for (let n = 0; n < Number(missions); n += 1) {
  const user = `user-${String(n % Number(users)).padStart(3, '0')}`;
  const missionId = `m-${String(n).padStart(5, '0')}`;
  const rows = [];
  if (!masterKeys.has(user)) {
    masterKeys.set(user, randomBytes(32));
    rows.push({ user, app: 'companion', table: 'companionGoals', id: `goal-${user}`, data: goal });
  }
  rows.push(...(n % Number(everyNthGranted) === 0
    ? await withNote(user, missionId, masterKeys.get(user)) : withGoal(user, missionId)));
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
}
