import { readAll } from '$lib/store/records';
import { readHidden } from '../hidden_records';
import type { ModuleRecord } from '$lib/modules/registry';
import { ToolError } from '../tool_error';
import type { Executor } from './executor';

const table = 'drinks';

const drunkAt = (drink: ModuleRecord) =>
  typeof drink.drunkAt === 'string' ? drink.drunkAt : drink.createdAt;

/** The drink remembers the step, so that another device which approved it too takes back no second one. */
export const undoDrink: Executor = async (_, { stepId }) => {
  if ((await readHidden<ModuleRecord>(table)).some((d) => d.undoneByStepId === stepId)) return [];
  const drinks = (await readAll<ModuleRecord>(table)).filter((d) => !d.deletedAt);
  const last = drinks.reduce<ModuleRecord | undefined>(
    (latest, d) => (latest && drunkAt(latest) >= drunkAt(d) ? latest : d),
    undefined,
  );
  if (!last) throw new ToolError('NO_DRINK');
  return [{ op: 'hide', table, id: last.id, mark: { undoneByStepId: stepId } }];
};
