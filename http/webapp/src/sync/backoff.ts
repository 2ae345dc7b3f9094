// How long to wait before trying again.
import type { ApiError } from '$lib/api/request';

const firstMs = 1_000;
const longestMs = 60_000;

/** `attempt` counts the failures in a row, from 1; `random` in [0, 1) keeps many clients from coming back at once. */
export function backoffMs(attempt: number, random: number = Math.random()): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 16));
  return full / 2 + (full / 2) * random;
}

/** Not before the service wants to hear of us again. */
export const retryDelayMs = (attempt: number, error: ApiError, random?: number): number =>
  Math.max(backoffMs(attempt, random), error.retryAfterMs ?? 0);

/** Ends early when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
