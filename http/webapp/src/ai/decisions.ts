// Approving, rejecting and undoing steps. Exactly once: under one lock over all tabs, checked against the step itself;
// across devices, what a step creates has an id derived from the step, so two devices write the same record.
import { exclusively } from '$lib/session/locks';
import { batch, read, update } from '$lib/store/records';
import { db } from '$lib/store/db';
import type { Iteration, Mission, Proposal, Step } from '$lib/model/types';
import { deedOf, stepsOf, type Deed } from './deed';
import { changesOf } from './executors';
import type { Change } from './executors/executor';
import {
  decideStep,
  isDecided,
  markUndone,
  maxFeedback,
  outranks,
  replaceIteration,
} from './iteration_state';
import { decisionsLock } from './locks';
import { checkUndoable, deedFrom, perform, takeBack, withoutDone } from './perform';
import { refreshed, showsStep, type Rewrite, type StoredProposal } from './staging_plan';
import { errorCode, ToolError } from './tool_error';
import { markUndoneEvents } from './undone_events';

export type DecidedBy = 'user' | 'policy';

const now = () => new Date().toISOString();

interface Place {
  mission: Mission;
  iteration: Iteration;
  step: Step;
}

async function placeOf(missionId: string, iterationId: string, stepId: string): Promise<Place> {
  const mission = await read<Mission>('aiMissions', missionId);
  if (!mission || mission.deletedAt) throw new ToolError('MISSION_GONE');
  const iteration = mission.iterations?.find((i) => i.id === iterationId);
  const step = iteration && stepsOf(iteration).find((s) => s.id === stepId);
  if (!iteration || !step) throw new ToolError('STEP_GONE');
  return { mission, iteration, step };
}

const iterationFields = (mission: Mission, iteration: Iteration) => ({
  iterations: replaceIteration(mission.iterations, iteration),
});

const writeIteration = (mission: Mission, iteration: Iteration) =>
  update('aiMissions', mission.id, iterationFields(mission, iteration));

const put = (p: StoredProposal) => db.proposals.put(p as Proposal);

async function pending(id: string): Promise<StoredProposal> {
  const p = await db.proposals.get(id);
  if (!p) throw new ToolError('STEP_GONE');
  if (p.status !== 'pending') throw new ToolError('ALREADY_DECIDED');
  return p;
}

// -- under the lock -----------------------------------------------------------------------------------------------

async function settledElsewhere(p: StoredProposal, step: Step): Promise<never> {
  const status = step.status === 'approved' ? 'approved' : 'rejected';
  await put({ ...p, status, decidedAt: now(), decidedBy: 'elsewhere' });
  throw new ToolError('ALREADY_DECIDED');
}

async function runTool(p: StoredProposal, place: Place): Promise<Deed> {
  const at = now();
  const step = { stepId: p.stepId, now: at, timeZone: place.mission.timeZone };
  const changes = await changesOf(p.intent.toolName, p.intent.params, step);
  const todo = await withoutDone(changes);
  const deed = deedFrom(changes, at);
  // All of it is there already: what the step tells of it, from the device that did it, stays.
  const iteration = decideStep(place.iteration, p.stepId, { status: 'approved', deed });
  await batch(async (writer) => {
    await perform(todo, writer.as(p.actor));
    await writer.update('aiMissions', place.mission.id, iterationFields(place.mission, iteration));
  });
  return deed;
}

export async function approveLocked(id: string, by: DecidedBy): Promise<void> {
  const p = await pending(id);
  try {
    const place = await placeOf(p.missionId, p.iterationId, p.stepId);
    if (isDecided(place.step)) await settledElsewhere(p, place.step);
    if (!showsStep(p, place.step)) {
      await put(refreshed(p, place.step));
      throw new ToolError('PROPOSAL_CHANGED');
    }
    const deed = await runTool(p, place);
    const { error: _, ...rest } = p;
    await put({ ...rest, status: 'approved', decidedAt: now(), decidedBy: by, deed });
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ALREADY_DECIDED' && code !== 'PROPOSAL_CHANGED') await put({ ...p, error: code });
    throw error;
  }
}

export async function rejectLocked(id: string, feedback: string, by: DecidedBy): Promise<void> {
  const p = await pending(id);
  const place = await placeOf(p.missionId, p.iterationId, p.stepId);
  if (isDecided(place.step)) await settledElsewhere(p, place.step);
  const words = [...feedback.trim()].slice(0, maxFeedback).join('');
  await writeIteration(
    place.mission,
    decideStep(place.iteration, p.stepId, { status: 'rejected', feedback: words }),
  );
  const { error: _, ...rest } = p;
  await put({
    ...rest,
    status: 'rejected',
    decidedAt: now(),
    decidedBy: by,
    ...(words && { userFeedback: words }),
  });
}

/** A decision of this device that a whole-iteration write from another one lost. */
export async function rewriteLocked({ missionId, iterationId, stepId, decision }: Rewrite): Promise<void> {
  const { mission, iteration, step } = await placeOf(missionId, iterationId, stepId);
  if (outranks(decision.status, step)) await writeIteration(mission, decideStep(iteration, stepId, decision));
}

// -- for people ---------------------------------------------------------------------------------------------------

/** Runs the tool; rejects with ToolError, or with what storage says, and then nothing was changed. */
export const approveProposal = (id: string): Promise<void> =>
  exclusively(decisionsLock, () => approveLocked(id, 'user'));

/** The feedback reaches the next prompt. */
export const rejectProposal = (id: string, feedback = ''): Promise<void> =>
  exclusively(decisionsLock, () => rejectLocked(id, feedback, 'user'));

export interface ApprovedAll {
  approved: number;
  failed: { id: string; error: unknown }[];
}

/** One after the other; one that fails does not hold up the rest. */
export async function approveAll(ids: readonly string[]): Promise<ApprovedAll> {
  const out: ApprovedAll = { approved: 0, failed: [] };
  for (const id of ids)
    try {
      await approveProposal(id);
      out.approved += 1;
    } catch (error) {
      out.failed.push({ id, error });
    }
  return out;
}

async function undoLocked(missionId: string, iterationId: string, stepId: string): Promise<void> {
  const { mission, iteration, step } = await placeOf(missionId, iterationId, stepId);
  const deed = deedOf(step);
  if (!deed || deed.changes.length === 0) throw new ToolError('NOTHING_TO_UNDO');
  if (deed.undoneAt) throw new ToolError('ALREADY_UNDONE');
  const inserts = deed.changes.some((c) => c.op === 'insert');
  const context = { stepId, now: deed.at, timeZone: mission.timeZone };
  const wanted: Change[] = inserts ? await changesOf(step.intent.toolName, step.intent.params, context) : [];
  await checkUndoable(deed, wanted);
  const undone = markUndone(iteration, stepId, now());
  await batch(async (writer) => {
    await takeBack(deed, writer);
    await writer.update('aiMissions', mission.id, iterationFields(mission, undone));
  });
  await markUndoneEvents([{ ...mission, iterations: [undone] }]);
}

/** Takes back what an approved step did; rejects with ToolError where the record was changed since. */
export const undoStep = (missionId: string, iterationId: string, stepId: string): Promise<void> =>
  exclusively(decisionsLock, () => undoLocked(missionId, iterationId, stepId));
