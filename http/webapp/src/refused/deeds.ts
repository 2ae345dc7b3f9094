// What a user does with refused changes.
import { asApiError } from '$lib/api/request';
import { syncNow } from '$lib/sync/engine';
import { parkedChanges, retryParked } from '$lib/sync/parked';

/** later: it could not be asked yet; it goes out with the next round. */
export type RetryEnd =
  { end: 'accepted' } | { end: 'refused'; count: number } | { end: 'later'; error: unknown };

/** One of them, or all: they go out at once, and what the service says now is told. */
export async function tryAgain(eventId?: string): Promise<RetryEnd> {
  const tried = (await parkedChanges())
    .map((c) => c.eventId)
    .filter((e) => eventId === undefined || e === eventId);
  await retryParked(eventId);
  const error: unknown = await syncNow().then(
    () => undefined,
    (e: unknown) => asApiError(e),
  );
  const refused = (await parkedChanges()).filter((c) => tried.includes(c.eventId));
  if (refused.length > 0) return { end: 'refused', count: refused.length };
  return error === undefined ? { end: 'accepted' } : { end: 'later', error };
}
