// Changes by an AI that were taken back, here or on another device, no longer count as its work.
import type { Mission } from '$lib/model/types';
import { db } from '$lib/store/db';
import { deedOf, stepsOf } from './deed';

const nameOf = (iterationId: string, table: string, id: string) => `${iterationId}:${table}:${id}`;

export async function markUndoneEvents(missions: readonly Mission[]): Promise<void> {
  const undone = new Set<string>();
  for (const mission of missions)
    for (const iteration of mission.iterations ?? [])
      for (const step of stepsOf(iteration)) {
        const deed = deedOf(step);
        if (deed?.undoneAt)
          for (const { table, id } of deed.changes) undone.add(nameOf(iteration.id, table, id));
      }
  if (undone.size === 0) return;
  await db.aiEvents
    .filter(
      ({ actor, table, id, undone: known }) =>
        !known && actor.kind === 'ai' && undone.has(nameOf(actor.iterationId, table, id)),
    )
    .modify({ undone: true });
}
