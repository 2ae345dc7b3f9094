// Staging: iterations that await review become proposals, each step once, however many tabs look and however often the
// app starts; and proposals follow what was decided elsewhere.
import { writable, type Readable } from 'svelte/store';
import { exclusively } from '$lib/session/locks';
import { live, readAll } from '$lib/store/records';
import { db } from '$lib/store/db';
import { tr } from '$lib/i18n';
import type { Mission, Proposal } from '$lib/model/types';
import { approveLocked, rejectLocked, rewriteLocked } from './decisions';
import { proposalIdOf } from './ids';
import { decisionsLock } from './locks';
import { livePolicies, readPolicies, type PolicyOf } from './policy';
import { planStaging, type StagingPlan, type StoredProposal } from './staging_plan';
import { ToolError } from './tool_error';
import { markUndoneEvents } from './undone_events';

/** Putting is conditional in one transaction: the lock is of this browser, the database is what decides. */
async function store(plan: StagingPlan): Promise<void> {
  await db.transaction('rw', db.proposals, async () => {
    const taken = await db.proposals.bulkGet(plan.add.map((p) => p.id));
    await db.proposals.bulkPut(plan.add.filter((_, i) => !taken[i]) as Proposal[]);
    await db.proposals.bulkPut(plan.change as Proposal[]);
    await db.proposals.bulkDelete(plan.drop);
  });
}

const refusal = (error: unknown) => {
  if (!(error instanceof ToolError)) throw error; // storage: nothing is lost, the next round tries again
};

/** What a policy decides at once. A tool that fails leaves its proposal to the user, with the reason. */
async function applyPolicies(policyOf: PolicyOf): Promise<void> {
  const open: StoredProposal[] = await db.proposals.where('status').equals('pending').toArray();
  for (const p of open) {
    const policy = policyOf(p.intent.toolName);
    if (policy === 'deny') await rejectLocked(p.id, tr('ai.policy.deniedFeedback'), 'policy').catch(refusal);
    else if (policy === 'auto' && !p.error) await approveLocked(p.id, 'policy').catch(refusal);
  }
}

async function reconcileLocked(): Promise<void> {
  const missions = (await readAll<Mission>('aiMissions')).filter((m) => !m.deletedAt);
  const proposals: StoredProposal[] = await db.proposals.toArray();
  const plan = await planStaging(missions, proposals, proposalIdOf, new Date().toISOString());
  await store(plan);
  for (const lost of plan.rewrite) await rewriteLocked(lost).catch(refusal);
  await markUndoneEvents(missions);
  await applyPolicies(await readPolicies());
}

/** One round; also what tests and "look again" call. */
export const reconcile = (): Promise<void> => exclusively(decisionsLock, reconcileLocked);

const failure = writable<unknown>(undefined);
/** Why the last round failed; undefined where it did not. */
export const stagingFailure: Readable<unknown> = failure;

let stopCurrent: (() => void) | undefined;

/** Looks whenever missions or policies change, until the returned function is called. */
export function startStaging(): () => void {
  stopCurrent?.();
  let wanted = false;
  let running = false;
  let stopped = false;
  const round = async () => {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted && !stopped) {
      wanted = false;
      try {
        await reconcile();
        failure.set(undefined);
      } catch (error) {
        if (!stopped) failure.set(error);
      }
    }
    running = false;
  };
  const stops = [
    live<Mission>('aiMissions').subscribe(() => void round()),
    livePolicies.subscribe(() => void round()),
  ];
  const stop = () => {
    stopped = true;
    stops.forEach((s) => s());
    if (stopCurrent === stop) stopCurrent = undefined;
  };
  stopCurrent = stop;
  return stop;
}
