// Decisions on the steps of an iteration. Pure. Whole iterations merge by the later stamp, so two devices that decide
// different steps at once can lose one of both decisions; `outranks` says which one to write again.
import type { Iteration, Step, StepStatus } from '$lib/model/types';
import { stepsOf, type Deed, type DoneStep } from './deed';

export interface Decision {
  status: 'approved' | 'rejected';
  feedback?: string;
  deed?: Deed;
}

const decidedStates: readonly StepStatus[] = ['approved', 'rejected', 'skipped', 'failed'];
export const isDecided = (step: Step): boolean => decidedStates.includes(step.status);

/** An approval has run its tool already, so no rejection takes it back. */
export const outranks = (decision: Decision['status'], step: Step): boolean =>
  !isDecided(step) || (decision === 'approved' && step.status !== 'approved');

export const maxFeedback = 500; // characters; what the next prompt shows of it

function withFeedback(iteration: Iteration, step: Step, feedback: string | undefined): Iteration {
  const words = feedback?.trim();
  if (!words) return iteration;
  const line = stepsOf(iteration).length > 1 ? `${step.summary}: ${words}` : words;
  const before = iteration.userFeedback ?? '';
  if (before.split('\n').includes(line)) return iteration;
  return { ...iteration, userFeedback: before ? `${before}\n${line}` : line };
}

/** The iteration after it: also its status once every step is decided. Unchanged where there is no such step. */
export function decideStep(iteration: Iteration, stepId: string, decision: Decision): Iteration {
  const step = stepsOf(iteration).find((s) => s.id === stepId);
  if (!step) return iteration;
  const feedback = decision.feedback?.trim();
  const decided: DoneStep = {
    ...step,
    status: decision.status,
    ...(feedback && { userFeedback: feedback }),
    ...(decision.deed && { deed: decision.deed }),
  };
  const plan = stepsOf(iteration).map((s) => (s.id === stepId ? decided : s));
  const out = withFeedback({ ...iteration, plan }, step, feedback);
  if (!plan.every(isDecided)) return out;
  const approved = plan.some((s) => s.status === 'approved');
  return { ...out, overallStatus: approved ? 'approved' : 'rejected' };
}

export function markUndone(iteration: Iteration, stepId: string, at: string): Iteration {
  const plan = stepsOf(iteration).map((s) => {
    const { deed } = s as DoneStep;
    return s.id === stepId && deed ? { ...s, deed: { ...deed, undoneAt: at } } : s;
  });
  return { ...iteration, plan };
}

export const replaceIteration = (all: readonly Iteration[], changed: Iteration): Iteration[] =>
  all.map((i) => (i.id === changed.id ? changed : i));
