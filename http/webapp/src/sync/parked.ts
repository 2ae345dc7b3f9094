// Own changes that the service refused. They stay in the records on this device, and wait here for a decision.
import { storedRecord } from '$lib/store/change';
import { db, stored, type OutboxChange } from '$lib/store/db';

export type { OutboxChange } from '$lib/store/db';

/** In the order in which they were made; `error` is the service's reason. */
export const parkedChanges = (): Promise<OutboxChange[]> =>
  stored(() => db.outbox.where('status').equals('parked').sortBy('seq'));

/** All of them go out once more. */
export const retryParked = async (): Promise<void> =>
  void (await stored(() =>
    db.outbox.where('status').equals('parked').modify({ status: 'waiting', error: undefined }),
  ));

/** The record becomes as if the change had not been made; without its insert, later changes of it go too. */
export async function discardParked(eventId: string): Promise<void> {
  await stored(() =>
    db.transaction('rw', [db.outbox, db.records], async () => {
      const parked = await db.outbox.get({ eventId });
      if (parked?.status !== 'parked') return;
      const { table, id, op, seq } = parked;
      const all = await db.outbox.where({ table, id }).sortBy('seq');
      const gone = all.filter(
        (c) => c.seq === seq || (op === 'insert' && c.seq > seq && c.status !== 'sent'),
      );
      await db.outbox.bulkDelete(gone.map((c) => c.seq));
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
