// The list of what AI and services changed only ever grows in the log; on a device it is cut to a size. What is dropped
// here stays in the log.
import type { AiEvent, ManaDb } from './db';

/** So many of the newest changes of each mission are kept, and as many of those by services. */
export const keptPerMission = 500;

const groupOf = ({ actor }: AiEvent): string => (actor.kind === 'ai' ? `ai:${actor.missionId}` : 'system');

/** `newestFirst`: all there are. Those beyond the newest of their group. */
export function beyondNewest(newestFirst: readonly AiEvent[], limit: number = keptPerMission): AiEvent[] {
  const counts = new Map<string, number>();
  return newestFirst.filter((event) => {
    const group = groupOf(event);
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    return count > limit;
  });
}

// By which an AI made a record that is still there: it marks the record as the AI's work.
async function markIds(db: ManaDb, events: readonly AiEvent[]): Promise<Set<string>> {
  const made = events.filter((e) => e.op === 'insert' && e.actor.kind === 'ai' && !e.undone);
  const rows = await db.records.bulkGet(made.map((e): [string, string] => [e.table, e.id]));
  return new Set(made.filter((_, n) => rows[n]?.view).map((e) => e.eventId));
}

// Looking at all of them is worth it only once many have come since the last time.
const growth = 1.25;
const atLeast = 100;
const sizes = new WeakMap<ManaDb, number>();

/** Within a transaction on records and aiEvents. */
export async function trimAiEvents(db: ManaDb): Promise<void> {
  if ((await db.aiEvents.count()) < (sizes.get(db) ?? 0) * growth + atLeast) return;
  const all = await db.aiEvents.orderBy('at').reverse().toArray();
  const beyond = beyondNewest(all);
  const marks = await markIds(db, beyond);
  const dropped = beyond.filter((e) => !marks.has(e.eventId));
  await db.aiEvents.bulkDelete(dropped.map((e) => e.eventId));
  sizes.set(db, all.length - dropped.length);
}
