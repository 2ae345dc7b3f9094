// The steps of consent as this app does them.
import { api, ApiError } from '$lib/api/client';
import { OpenError } from '$lib/crypto/sealed';
import type { Grant } from '$lib/model/types';
import { db } from '$lib/store/db';
import { resealAsEnc2, update } from '$lib/store/records';
import { syncNow } from '$lib/sync/engine';
import { missionTable } from './deeds';
import { ConsentError, type ConsentSteps } from './logic/consent';
import { refOf } from './logic/grant';

async function waitingOf(recordIds: readonly string[]): Promise<number> {
  const keys = recordIds.map((recordId) => {
    const { table, id } = refOf(recordId);
    return [table, id] as [string, string];
  });
  const changes = await db.outbox.where('[table+id]').anyOf(keys).toArray();
  if (changes.some((c) => c.status === 'parked')) throw new ConsentError('refusedWrites');
  return changes.filter((c) => c.status === 'waiting').length;
}

async function pushed(recordIds: readonly string[]): Promise<void> {
  if ((await waitingOf(recordIds)) === 0) return;
  // A round also fails for other records; what counts is that nothing of these waits any more.
  const failure = await syncNow().then(
    () => undefined,
    (e: unknown) => e,
  );
  if ((await waitingOf(recordIds)) > 0) throw failure ?? new ApiError(0, 'TIMEOUT');
}

async function reseal(table: string, id: string): Promise<void> {
  try {
    await resealAsEnc2(table, id);
  } catch (e) {
    if (e instanceof OpenError) throw new ConsentError('unreadable');
    throw e;
  }
}

export const consentSteps: ConsentSteps = {
  reseal,
  pushed,
  issue: (request) => api('POST', '/api/v1/me/ai-mission-grant', request),
  store: (missionId, grant: Grant) => update(missionTable, missionId, { grant }),
};
