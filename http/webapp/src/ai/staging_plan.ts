// What has to happen to the local proposals so that they say what the missions say. Pure: missions and proposals in,
// changes out; applied twice it finds nothing more to do.
import type { Iso, Iteration, Mission, Proposal, Step } from '$lib/model/types';
import { deedOf, stepsOf, type Deed } from './deed';
import { isDecided, outranks, type Decision } from './iteration_state';

export type StoredProposal = Proposal & {
  /** Of an approval here: what it changed, to be written again should the log lose the decision. */
  deed?: Deed;
};

export interface Rewrite {
  missionId: string;
  iterationId: string;
  stepId: string;
  decision: Decision;
}

export interface StagingPlan {
  /** Proposals to put where their id is not taken. */
  add: StoredProposal[];
  /** Proposals to replace. */
  change: StoredProposal[];
  /** Decisions made here that the mission does not show. */
  rewrite: Rewrite[];
  /** Ids of decided ones that nothing depends on any more. */
  drop: string[];
}

/** Of each mission, so many of the last decided proposals are kept. */
export const keptDecided = 200;

type IdOf = (iterationId: string, stepId: string) => Promise<string>;

export const isStageable = (iteration: Iteration): boolean => iteration.overallStatus === 'awaiting-review';

const isToolCall = (step: Step) =>
  typeof step.id === 'string' && step.intent?.kind === 'toolCall' && typeof step.intent.toolName === 'string';

function proposalFor(
  id: string,
  mission: Mission,
  iteration: Iteration,
  step: Step,
  now: Iso,
): StoredProposal {
  const rationale = step.rationale ?? iteration.summary ?? '';
  return {
    id,
    createdAt: iteration.finishedAt ?? iteration.startedAt ?? now,
    status: 'pending',
    actor: { kind: 'ai', missionId: mission.id, iterationId: iteration.id, rationale },
    missionId: mission.id,
    iterationId: iteration.id,
    stepId: step.id,
    rationale,
    summary: step.summary,
    intent: step.intent,
  };
}

function settled(p: StoredProposal, step: Step, now: Iso): StoredProposal {
  const { error: _, ...rest } = p;
  const feedback = step.userFeedback ?? p.userFeedback;
  return {
    ...rest,
    status: step.status === 'approved' ? 'approved' : 'rejected',
    decidedAt: now,
    decidedBy: 'elsewhere',
    ...(feedback && { userFeedback: feedback }),
    ...(deedOf(step) && { deed: deedOf(step) }),
  };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Whether the step still is what the proposal shows: the server and a tab may both have planned one slot. */
export const showsStep = (p: StoredProposal, step: Step): boolean =>
  p.summary === step.summary &&
  same(p.intent, step.intent) &&
  (!step.rationale || p.rationale === step.rationale);

/** The proposal as the step is now. */
export function refreshed(p: StoredProposal, step: Step): StoredProposal {
  const { error: _, ...rest } = p;
  const rationale = step.rationale ?? p.rationale;
  return { ...rest, summary: step.summary, intent: step.intent, rationale, actor: { ...p.actor, rationale } };
}

const expired = (p: StoredProposal, now: Iso): StoredProposal => ({
  ...p,
  status: 'expired',
  decidedAt: now,
});

/** Of one proposal, against the step it stands for; undefined: the step is gone or was never decided on. */
function compare(
  p: StoredProposal,
  iteration: Iteration | undefined,
  step: Step | undefined,
  now: Iso,
): { change?: StoredProposal; rewrite?: Decision } {
  if (!iteration || !step) return p.status === 'pending' ? { change: expired(p, now) } : {};
  if (p.status === 'approved' || p.status === 'rejected') {
    const own = p.decidedBy !== 'elsewhere';
    if (own && outranks(p.status, step))
      return { rewrite: { status: p.status, feedback: p.userFeedback, deed: p.deed } };
    const agrees = (p.status === 'approved') === (step.status === 'approved');
    return isDecided(step) && !agrees ? { change: settled(p, step, now) } : {};
  }
  if (isDecided(step)) return { change: settled(p, step, now) };
  if (!isStageable(iteration)) return p.status === 'pending' ? { change: expired(p, now) } : {};
  if (p.status === 'pending') return showsStep(p, step) ? {} : { change: refreshed(p, step) };
  // It came back: a restored mission.
  const { decidedAt: _, ...rest } = p;
  return { change: refreshed({ ...rest, status: 'pending' }, step) };
}

const decidedAt = (p: StoredProposal): Iso => p.decidedAt ?? p.createdAt;

/** Beyond the last decided ones of their mission. */
function beyondKept(decided: readonly StoredProposal[]): string[] {
  const counts = new Map<string, number>();
  return [...decided]
    .sort((a, b) => (decidedAt(a) < decidedAt(b) ? 1 : decidedAt(a) > decidedAt(b) ? -1 : 0))
    .filter(({ missionId }) => {
      const count = (counts.get(missionId) ?? 0) + 1;
      counts.set(missionId, count);
      return count > keptDecided;
    })
    .map(({ id }) => id);
}

/** `missions`: those that are not hidden. */
export async function planStaging(
  missions: readonly Mission[],
  proposals: readonly StoredProposal[],
  idOf: IdOf,
  now: Iso,
): Promise<StagingPlan> {
  const out: StagingPlan = { add: [], change: [], rewrite: [], drop: [] };
  const decided: StoredProposal[] = [];
  const known = new Map(proposals.map((p) => [p.id, p]));
  const byMission = new Map(missions.map((m) => [m.id, m]));
  for (const p of proposals) {
    const iteration = byMission.get(p.missionId)?.iterations?.find((i) => i.id === p.iterationId);
    const step = iteration && stepsOf(iteration).find((s) => s.id === p.stepId);
    const { change, rewrite } = compare(p, iteration, step, now);
    if (change) out.change.push(change);
    if (rewrite)
      out.rewrite.push({
        missionId: p.missionId,
        iterationId: p.iterationId,
        stepId: p.stepId,
        decision: rewrite,
      });
    // Without it, a step that is open would be proposed anew.
    const isOpen = iteration && step && isStageable(iteration) && !isDecided(step);
    if (p.status !== 'pending' && !change && !rewrite && !isOpen) decided.push(p);
  }
  out.drop = beyondKept(decided);
  for (const mission of missions)
    for (const iteration of (mission.iterations ?? []).filter(isStageable))
      for (const step of stepsOf(iteration)) {
        if (isDecided(step) || !isToolCall(step)) continue;
        const id = await idOf(iteration.id, step.id);
        if (known.has(id)) continue;
        const proposal = proposalFor(id, mission, iteration, step, now);
        known.set(id, proposal);
        out.add.push(proposal);
      }
  return out;
}
