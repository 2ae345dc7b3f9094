// The lease of a due slot: while the tab holds it, neither the server nor another tab plans that slot.
import { api, asApiError } from '$lib/api/client';
import type { Iso } from '$lib/model/types';

export interface Lease {
  leaseToken: string;
  slot: Iso;
  /** The one that whoever plans this slot uses. */
  iterationId: string;
  leasedUntil: Iso;
}

const path = (missionId: string) => `/api/v1/me/missions/${encodeURIComponent(missionId)}/foreground-run`;

/** Throws ApiError: MISSION_RUNNING, NOT_DUE, MISSION_HAS_GRANT, MISSION_HELD, MISSION_UNKNOWN. */
export const claim = (missionId: string): Promise<Lease> => api<Lease>('POST', path(missionId), {});

const giveBack = (missionId: string, lease: Lease) =>
  api('DELETE', `${path(missionId)}?leaseToken=${encodeURIComponent(lease.leaseToken)}`).catch(
    () => undefined, // it ends by time
  );

const leastPauseMs = 1_000;

/** A third of what is left, so that one renewal may fail. */
export const pauseBefore = (leasedUntil: Iso, now: number): number => {
  const left = Date.parse(leasedUntil) - now;
  return Number.isFinite(left) ? Math.max(leastPauseMs, left / 3) : leastPauseMs;
};

/**
 * Runs the work while the lease is renewed; the signal stops it when the lease is lost. Then it is given back, unless the
 * work asked to keep it until its time is over.
 */
export async function holding<T>(
  missionId: string,
  lease: Lease,
  outer: AbortSignal,
  work: (signal: AbortSignal, keep: () => void) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const stop = () => lost.abort(outer.reason);
  outer.addEventListener('abort', stop, { once: true });
  let until = lease.leasedUntil;
  let kept = false;
  let timer: ReturnType<typeof setTimeout>;
  const renew = async () => {
    try {
      const renewed = await api<{ leasedUntil: Iso }>('PUT', path(missionId), {
        leaseToken: lease.leaseToken,
      });
      until = renewed.leasedUntil;
    } catch (error) {
      const { status } = asApiError(error);
      // Without an answer the lease still runs until its time is over.
      if ((status >= 400 && status < 500 && status !== 429) || Date.now() >= Date.parse(until))
        return lost.abort(error);
    }
    if (!lost.signal.aborted) timer = setTimeout(() => void renew(), pauseBefore(until, Date.now()));
  };
  timer = setTimeout(() => void renew(), pauseBefore(until, Date.now()));
  try {
    return await work(lost.signal, () => (kept = true));
  } catch (error) {
    throw lost.signal.aborted ? (lost.signal.reason ?? error) : error;
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', stop);
    lost.abort();
    if (!kept) await giveBack(missionId, lease);
  }
}
