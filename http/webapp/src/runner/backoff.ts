// When a mission whose run failed in the tab is tried again. Pure.

export interface Waiting {
  attempts: number;
  until: number;
}

export const maxAttempts = 5;
const baseMs = 60_000;
const maxMs = 30 * 60_000;

/** Would fail again: the slot ends at once. */
const finalCodes = ['BAD_REQUEST', 'CADENCE_INVALID', 'LIMIT_EXCEEDED', 'LLM_REFUSED', 'MISSION_INVALID'];
/** Nobody's fault: waited out, not counted. */
const parkedCodes = [
  'CANCELLED',
  'LLM_CIRCUIT_OPEN',
  'LLM_RATE_LIMITED',
  'LLM_RETRIES_SPENT',
  'OFFLINE',
  'OVERLOADED',
  'RATE_LIMITED',
  'SHUTTING_DOWN',
  'TOKEN_BUDGET_SPENT',
];
/** Somebody else plans it, or nobody may: looked at again later. */
const othersCodes = [
  'LEASE_LOST',
  'MISSION_HAS_GRANT',
  'MISSION_HELD',
  'MISSION_QUARANTINED',
  'MISSION_RUNNING',
  'MISSION_UNKNOWN',
  'NOT_DUE',
];
const othersMs = 60_000;

export type Verdict = { end: 'slot' } | { end: 'later'; waiting: Waiting };

export function judge(
  code: string,
  before: Waiting | undefined,
  now: number,
  retryAfterMs: number | undefined,
): Verdict {
  const attempts = before?.attempts ?? 0;
  const later = (n: number, pause: number): Verdict => ({
    end: 'later',
    waiting: { attempts: n, until: now + Math.max(pause, retryAfterMs ?? 0) },
  });
  if (othersCodes.includes(code)) return later(attempts, othersMs);
  if (parkedCodes.includes(code)) return later(attempts, baseMs);
  if (finalCodes.includes(code) || attempts + 1 >= maxAttempts) return { end: 'slot' };
  return later(attempts + 1, Math.min(maxMs, baseMs * 2 ** attempts));
}
