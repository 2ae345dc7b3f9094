import { addDays, dayOfValue, type Day } from './local_time';

export interface Due {
  /** Key of `modules.due`. */
  kind: 'overdue' | 'today' | 'tomorrow' | 'on';
  day: Day;
  tone: 'bad' | 'warn' | 'neutral';
}

/** How a due date stands to today; undefined where there is none. */
export function dueOf(value: unknown, today: Day): Due | undefined {
  const day = dayOfValue(value);
  if (day === undefined) return undefined;
  if (day < today) return { kind: 'overdue', day, tone: 'bad' };
  if (day === today) return { kind: 'today', day, tone: 'warn' };
  return { kind: day === addDays(today, 1) ? 'tomorrow' : 'on', day, tone: 'neutral' };
}
