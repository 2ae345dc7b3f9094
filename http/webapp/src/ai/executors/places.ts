import { read } from '$lib/store/records';
import type { ModuleRecord } from '$lib/modules/registry';
import { createdIdOf } from '../ids';
import { ToolError } from '../tool_error';
import type { Executor } from './executor';

const table = 'places';

export const createPlace: Executor = async ({ name, category }, { stepId }) => [
  {
    op: 'insert',
    table,
    id: await createdIdOf(stepId, 'place'),
    fields: { name, visitCount: 0, ...(category !== undefined && { category }) },
  },
];

/** The place remembers the step, so that a visit which another device approved too is counted once. */
export const visitPlace: Executor = async ({ placeId }, { stepId, now }) => {
  const place = await read<ModuleRecord>(table, placeId!);
  if (!place || place.deletedAt) throw new ToolError('PLACE_MISSING');
  if (place.lastVisitStepId === stepId) return [];
  const count = typeof place.visitCount === 'number' ? place.visitCount : 0;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return [
    {
      op: 'update',
      table,
      id: place.id,
      before: {
        visitCount: count,
        lastVisitedAt: text(place.lastVisitedAt),
        lastVisitStepId: text(place.lastVisitStepId),
      },
      after: { visitCount: count + 1, lastVisitedAt: now, lastVisitStepId: stepId },
    },
  ];
};
