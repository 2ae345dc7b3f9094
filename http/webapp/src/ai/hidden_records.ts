import { db } from '$lib/store/db';

/** Records in the bin, once. Their sealed fields stay sealed. */
export async function readHidden<T>(table: string): Promise<T[]> {
  const rows = await db.records.where({ table }).toArray();
  return rows.filter((r) => r.complete && r.view?.deletedAt).map((r) => r.view as T);
}
