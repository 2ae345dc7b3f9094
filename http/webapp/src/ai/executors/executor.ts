// An executor decides what its tool changes; it writes nothing itself. So one place performs the changes in one batch,
// remembers them, and can undo them.
import type { Iso } from '$lib/model/types';
import type { Values } from '../deed';

export type Fields = Record<string, unknown>;

export type Change =
  | { op: 'insert'; table: string; id: string; fields: Fields }
  | { op: 'update'; table: string; id: string; before: Values; after: Values }
  /** Soft: it can be restored. `mark` is written along. */
  | { op: 'hide'; table: string; id: string; mark: Values };

export interface StepContext {
  stepId: string;
  now: Iso;
  /** Of the mission; absent: this device's. */
  timeZone?: string;
}

/** Parameters that were checked against the catalogue. */
export type Params = Readonly<Record<string, string>>;

/** Throws ToolError. No changes: what was wanted is so already. */
export type Executor = (params: Params, step: StepContext) => Promise<Change[]>;
