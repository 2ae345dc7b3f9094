// What a tool changed, kept in the step that it was approved for: so every device can show and undo it. It holds ids and
// plaintext fields only, because iterations are not sealed.
import type { Iso, Iteration, Step } from '$lib/model/types';

export type Values = Record<string, string | number | boolean | null>;

export type DeedChange =
  | { op: 'insert'; table: string; id: string }
  | { op: 'update'; table: string; id: string; before: Values; after: Values }
  | { op: 'hide'; table: string; id: string };

export interface Deed {
  at: Iso;
  changes: DeedChange[];
  undoneAt?: Iso;
}

/** A step with what this app writes beside the contract's fields; other clients pass them on. */
export interface DoneStep extends Step {
  deed?: Deed;
}

export const deedOf = (step: Step): Deed | undefined => {
  const deed = (step as DoneStep).deed;
  return deed && Array.isArray(deed.changes) ? deed : undefined;
};

export const stepsOf = (iteration: Iteration): Step[] =>
  Array.isArray(iteration.plan) ? iteration.plan : [];
