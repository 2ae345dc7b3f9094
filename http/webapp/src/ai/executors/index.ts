import { toolNamed } from '../catalogue';
import { checkParams } from '../params';
import { ToolError } from '../tool_error';
import { createEvent } from './calendar';
import { undoDrink } from './drinks';
import type { Change, Executor, Params, StepContext } from './executor';
import { createPlace, visitPlace } from './places';
import { completeTask, completeTasksByTitle, createTask } from './tasks';

export const executors: Readonly<Record<string, Executor>> = {
  create_task: createTask,
  complete_task: completeTask,
  complete_tasks_by_title: completeTasksByTitle,
  create_event: createEvent,
  create_place: createPlace,
  visit_place: visitPlace,
  undo_drink: undoDrink,
};

/** What a tool call would change; throws ToolError where it cannot run. */
export async function changesOf(toolName: string, params: unknown, step: StepContext): Promise<Change[]> {
  const tool = toolNamed(toolName);
  const execute = Object.hasOwn(executors, toolName) ? executors[toolName] : undefined;
  if (!tool || !execute) throw new ToolError('UNKNOWN_TOOL');
  const problem = checkParams(tool, params);
  if (problem) throw new ToolError('BAD_PARAM', problem);
  return execute(params as Params, step);
}
