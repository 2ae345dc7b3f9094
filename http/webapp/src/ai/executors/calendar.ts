import { createdIdOf } from '../ids';
import { instantOf } from '../local_time';
import { ToolError } from '../tool_error';
import type { Executor } from './executor';

const hour = 3_600_000;

/** The event and the time block it stands in; an hour long where no end was said. */
export const createEvent: Executor = async ({ title, startIso, endIso }, { stepId, timeZone }) => {
  const start = instantOf(startIso!, timeZone);
  const end = endIso === undefined ? start + hour : instantOf(endIso, timeZone);
  if (end < start) throw new ToolError('ENDS_BEFORE_START');
  const [event, block] = [await createdIdOf(stepId, 'event'), await createdIdOf(stepId, 'time-block')];
  return [
    {
      op: 'insert',
      table: 'timeBlocks',
      id: block,
      fields: { startDate: new Date(start).toISOString(), endDate: new Date(end).toISOString() },
    },
    { op: 'insert', table: 'events', id: event, fields: { title, timeBlockId: block } },
  ];
};
