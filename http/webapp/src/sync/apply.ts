// A page of the log goes onto the records, with the cursor behind it, in one transaction: a tab that is closed meanwhile
// has all of it or nothing. Rows may come twice and in any order.
import { applyChange, nothingKnown } from '$lib/model/merge';
import { aiEventOf, changeOfServer, storedRecord, type ServerChange } from '$lib/store/change';
import { stored, type AiEvent, type ManaDb, type OutboxChange } from '$lib/store/db';
import { trimAiEvents } from '$lib/store/trimming';

export interface Page {
  serverChanges: ServerChange[];
  /** The cursor from which the next page goes on. */
  syncedUntil: string;
  hasMore: boolean;
}

type Key = [table: string, id: string];
const nameOf = ({ table, id }: { table: string; id: string }): string => JSON.stringify([table, id]);

function grouped<T extends { table: string; id: string }>(rows: readonly T[]): Map<string, T[]> {
  const out = new Map<string, T[]>();
  for (const row of rows) {
    const name = nameOf(row);
    const list = out.get(name);
    if (list) list.push(row);
    else out.set(name, [row]);
  }
  return out;
}

async function keepAiEvents(db: ManaDb, changes: readonly ServerChange[]): Promise<void> {
  const events = changes
    .map((c) => aiEventOf(c.eventId, c.table, c.id, c, `${c.createdAt.slice(0, 23)}Z`))
    .filter((e): e is AiEvent => e !== undefined);
  if (events.length === 0) return;
  const known = await db.aiEvents.bulkGet(events.map((e) => e.eventId));
  await db.aiEvents.bulkPut(events.filter((_, n) => known[n] === undefined));
  await trimAiEvents(db);
}

// The log has these: the records get them from there now.
async function settle(db: ManaDb, changes: readonly ServerChange[]): Promise<void> {
  await db.outbox
    .where('eventId')
    .anyOf(changes.map((c) => c.eventId))
    .delete();
}

/** `sent`: outbox entries that the service has accepted. The tables that changed. */
export async function applyPage(
  db: ManaDb,
  app: string,
  page: Page,
  sent: readonly OutboxChange[] = [],
): Promise<Set<string>> {
  const { serverChanges: changes, syncedUntil } = page;
  const byRecord = grouped(changes);
  const keys = [...byRecord.keys()].map((name) => JSON.parse(name) as Key);
  await stored(() =>
    db.transaction('rw', [db.records, db.outbox, db.aiEvents, db.cursors], async () => {
      await db.outbox.bulkUpdate(sent.map(({ seq }) => ({ key: seq, changes: { status: 'sent' } })));
      await settle(db, changes);
      const rows = await db.records.bulkGet(keys);
      const pending = grouped(await db.outbox.where('[table+id]').anyOf(keys).sortBy('seq'));
      await db.records.bulkPut(
        keys.map(([table, id], n) => {
          const name = nameOf({ table, id });
          const known = byRecord
            .get(name)!
            .reduce(
              (state, c) => applyChange(state, table, changeOfServer(c)),
              rows[n]?.known ?? nothingKnown(),
            );
          return storedRecord(table, id, known, pending.get(name) ?? []);
        }),
      );
      await keepAiEvents(db, changes);
      await db.cursors.put({ app, syncedUntil, at: new Date().toISOString() });
    }),
  );
  return new Set(changes.map((c) => c.table));
}
