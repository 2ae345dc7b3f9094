// How many proposals of each mission wait for a decision.
import { database, type ManaDb } from '$lib/store/db';
import Dexie from 'dexie';
import { readable, type Readable } from 'svelte/store';

async function count(db: ManaDb): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { missionId } of await db.proposals.where({ status: 'pending' }).toArray())
    counts.set(missionId, (counts.get(missionId) ?? 0) + 1);
  return counts;
}

export const pendingByMission: Readable<ReadonlyMap<string, number>> = readable<ReadonlyMap<string, number>>(
  new Map(),
  (set) => {
    let stop = () => {};
    const unwatch = database.subscribe((db) => {
      stop();
      if (!db) return set(new Map());
      const subscription = Dexie.liveQuery(() => count(db)).subscribe({
        next: set,
        error: () => undefined, // the database was closed: the session ended
      });
      stop = () => subscription.unsubscribe();
    });
    return () => {
      stop();
      unwatch();
    };
  },
);
