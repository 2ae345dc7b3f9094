import type { ParamProblem } from './params';

/** Why a tool, a decision or an undo was refused; the words are in i18n under `ai.error`. */
export type ToolErrorCode =
  | 'UNKNOWN_TOOL'
  | 'BAD_PARAM'
  | 'TASK_MISSING'
  | 'NO_TASK_MATCHES'
  | 'PLACE_MISSING'
  | 'NO_DRINK'
  | 'ENDS_BEFORE_START'
  | 'MISSION_GONE'
  | 'STEP_GONE'
  | 'ALREADY_DECIDED'
  | 'PROPOSAL_CHANGED'
  | 'CHANGED_SINCE'
  | 'REMOVED_SINCE'
  | 'NOTHING_TO_UNDO'
  | 'ALREADY_UNDONE';

export class ToolError extends Error {
  override name = 'ToolError';
  constructor(
    readonly code: ToolErrorCode,
    readonly problem?: ParamProblem,
  ) {
    super(code);
  }
}

/** As kept in a proposal; the words are made from it when it is shown (error_words.ts). */
export function errorCode(error: unknown): string {
  if (error instanceof ToolError)
    return error.problem ? [error.code, error.problem.kind, error.problem.param ?? ''].join('/') : error.code;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNEXPECTED';
}
