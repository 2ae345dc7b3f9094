// What the runner says of a mission: `notRunningBecause` and `lastError` of GET /api/v1/me/missions, as keys of words.
import type { Iso } from '$lib/model/types';

export interface RunnerMission {
  missionId: string;
  state: string;
  nextRunAt: Iso | null;
  /** Later than nextRunAt: the run failed and is tried again. */
  retryAt: Iso | null;
  leasedUntil: Iso | null;
  /** Who plans it now. */
  leasedBy: 'server' | 'browser' | null;
  attempts: number;
  /** `<code>: <detail>` */
  lastError: string | null;
  notRunningBecause: string;
}

export interface RunnerBudget {
  runsThisHour: number;
  /** Null: no limit. */
  runsPerHour: number | null;
  tokensToday: number;
  tokensPerDay: number | null;
  /** When there is something to spend again. */
  waitsUntil: Iso | null;
}

export interface RunnerView {
  now: Iso;
  missions: RunnerMission[];
  budget: RunnerBudget;
}

/** actors/mission_directory (why_not_running) and actors/mission/schedule.hpp (hold). */
export const reasons = [
  'running',
  'due',
  'not-due',
  'retry-later',
  'over-token-budget',
  'over-runs-per-hour',
  'over-the-users-limit',
  'circuit-open',
  'paused',
  'done',
  'archived',
  'unknown-state',
  'deleted',
  'no-next-run',
  'waiting-for-review',
  'quarantined',
] as const;
export type Reason = (typeof reasons)[number];

export const isReason = (text: string): text is Reason => (reasons as readonly string[]).includes(text);

/** How much attention it wants. */
export function toneOf(reason: string): 'ok' | 'info' | 'warn' | 'bad' | 'neutral' {
  switch (reason) {
    case 'running':
      return 'ok';
    case 'due':
    case 'not-due':
    case 'no-next-run':
      return 'info';
    case 'paused':
    case 'done':
    case 'archived':
    case 'deleted':
      return 'neutral';
    case 'quarantined':
      return 'bad';
    default:
      return 'warn';
  }
}

/** Codes of messages/errors.hpp that a run can end with; others are told by their name. */
export const failureCodes = [
  'database_unavailable',
  'llm_unreachable',
  'llm_timeout',
  'llm_refused',
  'llm_failed',
  'llm_overloaded',
  'llm_answer_too_large',
  'llm_answer_invalid',
  'plan_rejected',
  'cadence_invalid',
  'mission_invalid',
  'attempts_exhausted',
  'audit_unavailable',
  'quarantined',
  'lease_lost',
  'grant_revoked',
  'shutting_down',
  'limit_exceeded',
  'internal',
] as const;
export type FailureCode = (typeof failureCodes)[number];

const alike: Readonly<Record<string, FailureCode>> = {
  database_overloaded: 'database_unavailable',
  database_timeout: 'database_unavailable',
  database_conflict: 'database_unavailable',
  database_refused: 'internal',
  database_read_only: 'database_unavailable',
  commit_in_doubt: 'database_unavailable',
  llm_rate_limited: 'llm_overloaded',
  llm_circuit_open: 'llm_overloaded',
  llm_retries_spent: 'llm_overloaded',
  cancelled: 'shutting_down',
};

/** Undefined: a code that is not known here. */
export function failureOf(lastError: string): { code: string; known?: FailureCode } {
  const code = lastError.split(':', 1)[0]!.trim();
  // The HTTP interface writes the same codes in capitals.
  const name = alike[code.toLowerCase()] ?? code.toLowerCase();
  return { code, known: failureCodes.find((c) => c === name) };
}
