#!/usr/bin/env node
// Entries for `client.mjs rows` by the thousand: `many_missions.mjs <nick> <missions> <notes-each> [first-due [apart]]`
// prints missions mission-1, mission-2, …, each with a grant for its own notes <n>-1, <n>-2, …, whose content is
// the marker of `<nick>/<note>`. Due: all at once, or one after the other from that time on (milliseconds since 1970).
import { createHash } from 'node:crypto';

const [nick, missions, notesEach, firstDue = Date.now() - 1000, apart = 0] = process.argv.slice(2);

const marker = (text) => `MARK-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;

const noteEntry = (id) => ({ table: 'notes', id, data: { title: 'Notiz', content: marker(`${nick}/${id}`) } });
const missionEntry = (n, notes) => ({
  mission: `mission-${n}`,
  grant: { recordIds: notes.map((id) => `notes:${id}`) },
  data: {
    title: 'Viele Läufe', objective: 'Hilf mir.', conceptMarkdown: '', state: 'active', iterations: [],
    inputs: notes.map((id) => ({ module: 'notes', table: 'notes', id })),
    cadence: { kind: 'daily', atHour: 7, atMinute: 0 },
    nextRunAt: new Date(Number(firstDue) + n * Number(apart)).toISOString(),
  },
});

for (let n = 1; n <= Number(missions); n += 1) {
  const notes = Array.from({ length: Number(notesEach) }, (_, i) => `${n}-${i + 1}`);
  const entries = [...notes.map(noteEntry), missionEntry(n, notes)];
  process.stdout.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}
