// Own changes that the service refused. They stay in the records on this device, and wait here for a decision.
import { storedRecord } from '$lib/store/change';
import { db, stored, type ManaDb, type OutboxChange } from '$lib/store/db';
import { liveRows } from '$lib/store/live';
import type { Readable } from 'svelte/store';

export type { OutboxChange } from '$lib/store/db';

const parkedOf = (of: ManaDb) => of.outbox.where('status').equals('parked');

/** In the order in which they were made; `error` is the service's reason. */
export const parkedChanges = (): Promise<OutboxChange[]> => stored(() => parkedOf(db).sortBy('seq'));

export interface ParkedChange extends OutboxChange {
  /** Later own changes of the same record, which do not go out before this one. */
  behind: number;
}

async function withThoseBehind(of: ManaDb): Promise<ParkedChange[]> {
  const parked = await parkedOf(of).sortBy('seq');
  return Promise.all(
    parked.map(async (change) => {
      const { table, id, seq } = change;
      const others = await of.outbox.where({ table, id }).toArray();
      return { ...change, behind: others.filter((c) => c.seq > seq && c.status === 'waiting').length };
    }),
  );
}

export const parkedNow = (): Promise<ParkedChange[]> => stored(() => withThoseBehind(db));

/** Undefined until they were read. */
export const liveParked: Readable<ParkedChange[] | undefined> = liveRows<ParkedChange[] | undefined>(
  undefined,
  withThoseBehind,
);

/** They go out once more: this one, or all. */
export const retryParked = async (eventId?: string): Promise<void> =>
  void (await stored(() =>
    parkedOf(db)
      .filter((c) => eventId === undefined || c.eventId === eventId)
      .modify({ status: 'waiting', error: undefined, errorCode: undefined }),
  ));

/** The record becomes as if the change had not been made; without its insert, later changes of it go too. */
export async function discardParked(eventId: string): Promise<void> {
  await stored(() =>
    db.transaction('rw', [db.outbox, db.records, db.aiEvents], async () => {
      const parked = await db.outbox.get({ eventId });
      if (parked?.status !== 'parked') return;
      const { table, id, op, seq } = parked;
      const all = await db.outbox.where({ table, id }).sortBy('seq');
      const gone = all.filter(
        (c) => c.seq === seq || (op === 'insert' && c.seq > seq && c.status !== 'sent'),
      );
      await db.outbox.bulkDelete(gone.map((c) => c.seq));
      await db.aiEvents.bulkDelete(gone.map((c) => c.eventId));
      const row = await db.records.get([table, id]);
      if (row)
        await db.records.put(
          storedRecord(
            table,
            id,
            row.known,
            all.filter((c) => !gone.includes(c)),
          ),
        );
    }),
  );
}
