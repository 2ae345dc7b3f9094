// How many proposals of each mission wait for a decision.
import type { ManaDb } from '$lib/store/db';
import { liveRows } from '$lib/store/live';

async function count(db: ManaDb): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { missionId } of await db.proposals.where({ status: 'pending' }).toArray())
    counts.set(missionId, (counts.get(missionId) ?? 0) + 1);
  return counts;
}

export const pendingByMission = liveRows<ReadonlyMap<string, number>>(new Map(), count);
