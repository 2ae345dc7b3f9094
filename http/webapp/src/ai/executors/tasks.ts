import { read, readAll } from '$lib/store/records';
import type { ModuleRecord } from '$lib/modules/registry';
import { createdIdOf } from '../ids';
import { ToolError } from '../tool_error';
import type { Change, Executor } from './executor';

const table = 'tasks';

const completion = (task: ModuleRecord, now: string): Change[] =>
  task.isCompleted === true
    ? []
    : [
        {
          op: 'update',
          table,
          id: task.id,
          before: { isCompleted: false, completedAt: null },
          after: { isCompleted: true, completedAt: now },
        },
      ];

export const createTask: Executor = async (params, { stepId }) => {
  const { title, dueDate, priority, description } = params;
  const fields = {
    title,
    isCompleted: false,
    ...(dueDate !== undefined && { dueDate }),
    ...(priority !== undefined && { priority }),
    ...(description !== undefined && { description }),
  };
  return [{ op: 'insert', table, id: await createdIdOf(stepId, 'task'), fields }];
};

export const completeTask: Executor = async ({ taskId }, { now }) => {
  const task = await read<ModuleRecord>(table, taskId!);
  if (!task || task.deletedAt) throw new ToolError('TASK_MISSING');
  return completion(task, now);
};

export const completeTasksByTitle: Executor = async ({ titleSubstring }, { now }) => {
  const wanted = titleSubstring!.trim().toLocaleLowerCase();
  const matching = (await readAll<ModuleRecord>(table)).filter(
    (t) => !t.deletedAt && typeof t.title === 'string' && t.title.toLocaleLowerCase().includes(wanted),
  );
  if (matching.length === 0) throw new ToolError('NO_TASK_MATCHES');
  return matching.flatMap((t) => completion(t, now));
};
