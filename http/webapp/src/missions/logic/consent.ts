// The way from the user's consent to a stored grant. Each step may be repeated: after a crash between any two of them
// the mission is as it was, and the user consents again.
import type { Grant } from '$lib/model/types';
import { isGrantFor, maxGrantRecords, refOf, type Scope } from './grant';

const hour = 60 * 60_000;
export const durations = { hour, day: 24 * hour, week: 7 * 24 * hour, month: 30 * 24 * hour } as const;
export type Duration = keyof typeof durations;

export interface GrantRequest extends Scope {
  missionId: string;
  ttlMs: number;
}

export type ConsentStep = 'reseal' | 'push' | 'issue' | 'store';

/** What the steps do; the app's own are in ../consent_steps.ts. */
export interface ConsentSteps {
  /** Values of the record that only the master key opens become such that the grant's key opens. */
  reseal(table: string, id: string): Promise<unknown>;
  /** Done when the service has every change of these records. */
  pushed(recordIds: readonly string[]): Promise<void>;
  issue(request: GrantRequest): Promise<unknown>;
  store(missionId: string, grant: Grant): Promise<unknown>;
}

/** Keys under `missions.consent.problem`. */
export type ConsentProblem =
  | 'zeroKnowledge'
  | 'notConfigured'
  | 'noVault'
  | 'offline'
  | 'rateLimited'
  | 'tooMany'
  | 'nothing'
  | 'unreadable'
  | 'refusedWrites'
  | 'wrongScope'
  | 'signedOut'
  | 'unreachable'
  | 'other';

/** Found here, not by the service. */
export class ConsentError extends Error {
  override readonly name = 'ConsentError';
  constructor(readonly problem: ConsentProblem) {
    super(problem);
  }
}

export async function giveConsent(
  request: GrantRequest,
  steps: ConsentSteps,
  onstep: (step: ConsentStep) => void = () => {},
): Promise<Grant> {
  if (request.recordIds.length === 0) throw new ConsentError('nothing');
  if (request.recordIds.length > maxGrantRecords) throw new ConsentError('tooMany');
  onstep('reseal');
  for (const recordId of request.recordIds) {
    const { table, id } = refOf(recordId);
    await steps.reseal(table, id);
  }
  // Before the grant: a run that starts at once must find what it may open.
  onstep('push');
  await steps.pushed(request.recordIds);
  onstep('issue');
  const answer = await steps.issue(request);
  if (!isGrantFor(answer, request.missionId, request)) throw new ConsentError('wrongScope');
  onstep('store');
  await steps.store(request.missionId, answer);
  return answer;
}

/** What an error of the service means to somebody who consents. */
export function problemOf(error: { status?: number; code?: string; message?: string }): ConsentProblem {
  switch (error.code) {
    case 'ZK_ACTIVE':
      return 'zeroKnowledge';
    case 'GRANT_NOT_CONFIGURED':
      return 'notConfigured';
    case 'VAULT_NOT_INITIALISED':
      return 'noVault';
    case 'OFFLINE':
      return 'offline';
    case 'RATE_LIMITED':
      return 'rateLimited';
    case 'UNAUTHORIZED':
      return 'signedOut';
    case 'LIMIT_EXCEEDED':
      return 'tooMany';
    case 'BAD_REQUEST':
      // The service names the field; how many records fit is what a user can do something about.
      return /^(recordIds|tables): must have 1 to /.test(error.message ?? '') ? 'tooMany' : 'other';
    case 'TIMEOUT':
      return 'unreachable';
    default:
      return error.status === 502 || error.status === 503 || error.status === 504 ? 'unreachable' : 'other';
  }
}
