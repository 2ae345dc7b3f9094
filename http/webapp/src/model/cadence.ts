// When a mission runs next: the runner's rules (contract, section 3), so that what the app shows and writes is what
// the server would have written. Daily and weekly: today's (this week's) time; when that is not after `from`, the
// same time on the clock a day (a week) later.
import { nextOfCron, parseCron, type CronProblem } from './cadence_cron';
import { findZone, type LocalTime, type TimeZone } from './cadence_zone';

export const maxIntervalMinutes = 366 * 24 * 60;
/** Shorter intervals count as this one. */
export const minIntervalMinutes = 5;

export type CadenceField =
  'kind' | 'everyMinutes' | 'atHour' | 'atMinute' | 'dayOfWeek' | 'expression' | 'timeZone';

export interface CadenceProblem {
  field: CadenceField;
  /** A key under `missions.cadence.problem`. */
  problem:
    | 'unknownKind'
    | 'notAnInterval'
    | 'notAnHour'
    | 'notAMinute'
    | 'notAWeekday'
    | 'unknownZone'
    | 'notAnExpression'
    | 'neverTrue'
    | `cron_${CronProblem}`;
}

export type NextRun = { ok: true; at: number | null } | ({ ok: false } & CadenceProblem);

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const at = (t: number | null): NextRun => ({ ok: true, at: t });
const wrong = (field: CadenceField, problem: CadenceProblem['problem']): NextRun => ({
  ok: false,
  field,
  problem,
});

const whole = (value: unknown, high: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= high;

function firstAfter(from: number, onClock: LocalTime, period: number, zone: TimeZone): number {
  let t = zone.at(onClock);
  // From the moved time where a clock change skipped one: after 03:30 instead of 02:30 follows 03:30 once more.
  while (t <= from) t = zone.at(zone.local(t) + period);
  return t;
}

function nextInterval(everyMinutes: unknown, from: number): NextRun {
  if (typeof everyMinutes !== 'number' || !(everyMinutes > 0) || everyMinutes > maxIntervalMinutes)
    return wrong('everyMinutes', 'notAnInterval');
  return at(from + Math.round(Math.max(everyMinutes, minIntervalMinutes) * minute));
}

type Fields = Readonly<Record<string, unknown>>;

function nextOnClock(c: Fields, weekly: boolean, from: number, zoneName: string): NextRun {
  const { dayOfWeek, atHour } = c;
  const atMinute = weekly && c.atMinute === undefined ? 0 : c.atMinute;
  if (weekly && !whole(dayOfWeek, 6)) return wrong('dayOfWeek', 'notAWeekday');
  if (!whole(atHour, 23)) return wrong('atHour', 'notAnHour');
  if (!whole(atMinute, 59)) return wrong('atMinute', 'notAMinute');
  const zone = findZone(zoneName);
  if (!zone) return wrong('timeZone', 'unknownZone');
  const today = Math.floor(zone.local(from) / day) * day;
  const ahead = weekly ? ((dayOfWeek as number) - new Date(today).getUTCDay() + 7) % 7 : 0;
  const first = today + ahead * day + atHour * hour + atMinute * minute;
  return at(firstAfter(from, first, weekly ? 7 * day : day, zone));
}

function nextCron(expression: unknown, from: number, zoneName: string): NextRun {
  if (typeof expression !== 'string') return wrong('expression', 'notAnExpression');
  const cron = parseCron(expression);
  if (typeof cron === 'string') return wrong('expression', `cron_${cron}`);
  const zone = findZone(zoneName);
  if (!zone) return wrong('timeZone', 'unknownZone');
  const t = nextOfCron(cron, from, zone);
  return t === undefined ? wrong('expression', 'neverTrue') : at(t);
}

/** Strictly after `from`; null for manual. The zone matters to daily, weekly and cron only. Takes any JSON. */
export function nextRun(cadence: unknown, from: number, zoneName: string): NextRun {
  const c = (typeof cadence === 'object' && cadence !== null ? cadence : {}) as Fields;
  switch (c.kind) {
    case 'manual':
      return at(null);
    case 'interval':
      return nextInterval(c.everyMinutes, from);
    case 'daily':
      return nextOnClock(c, false, from, zoneName);
    case 'weekly':
      return nextOnClock(c, true, from, zoneName);
    case 'cron':
      return nextCron(c.expression, from, zoneName);
    default:
      return wrong('kind', 'unknownKind');
  }
}

/** The slot after `slot`: counted from it, so that intervals do not drift; from `now` when that would have passed. */
export function nextSlot(cadence: unknown, slot: number, now: number, zoneName: string): NextRun {
  const next = nextRun(cadence, slot, zoneName);
  if (!next.ok || next.at === null || next.at > now) return next;
  return nextRun(cadence, now, zoneName);
}

/** The next `count` runs after `from`, or what is wrong. */
export function previewRuns(
  cadence: unknown,
  from: number,
  zoneName: string,
  count = 5,
): { ok: true; runs: number[] } | ({ ok: false } & CadenceProblem) {
  const runs: number[] = [];
  for (let t = from; runs.length < count;) {
    const next = nextRun(cadence, t, zoneName);
    // Of an expression that comes true once more and then never again, that is all there is.
    if (!next.ok) return runs.length > 0 ? { ok: true, runs } : next;
    if (next.at === null) break;
    runs.push(next.at);
    t = next.at;
  }
  return { ok: true, runs };
}
