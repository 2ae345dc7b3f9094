// Cron expressions with five fields: minute, hour, day of month, month, day of week. The runner's rules: a field is a
// list of items; an item is `*`, a value or a range, each with an optional step (a value with a step reaches to the
// field's end). Months and weekdays may be named; Sunday is 0 or 7. When day of month and day of week are both
// restricted (neither starts with `*`), a day needs to match one of them.
import type { LocalTime, TimeZone } from './cadence_zone';

export const cronFields = ['minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'] as const;
export type CronField = (typeof cronFields)[number];

export type CronProblem = 'tooLong' | 'notFiveFields' | CronField;

export interface Cron {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  eitherDay: boolean;
}

interface Rule {
  low: number;
  high: number;
  names?: readonly string[];
}

const rules: readonly Rule[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { low: 0, high: 7, names: 'sun mon tue wed thu fri sat'.split(' ') },
];

const maxLength = 256;

const readNumber = (s: string): number | undefined => (/^[0-9]{1,2}$/.test(s) ? Number(s) : undefined);

function readValue(s: string, rule: Rule): number | undefined {
  const n = readNumber(s);
  if (n !== undefined) return n >= rule.low && n <= rule.high ? n : undefined;
  const name = rule.names?.indexOf(s.toLowerCase()) ?? -1;
  return name < 0 ? undefined : rule.low + name;
}

/** Low and high; undefined when malformed. */
function readRange(range: string, hasStep: boolean, rule: Rule): [number, number] | undefined {
  if (range === '*') return [rule.low, rule.high];
  const dash = range.indexOf('-');
  const low = readValue(dash < 0 ? range : range.slice(0, dash), rule);
  if (low === undefined) return undefined;
  if (dash < 0) return [low, hasStep ? rule.high : low];
  const high = readValue(range.slice(dash + 1), rule);
  if (high === undefined) return undefined;
  return [low, high === 0 && rule.high === 7 ? 7 : high];
}

function readField(text: string, rule: Rule): Set<number> | undefined {
  const out = new Set<number>();
  for (const item of text.split(',')) {
    const slash = item.indexOf('/');
    const step = slash < 0 ? 1 : readNumber(item.slice(slash + 1));
    const range = readRange(slash < 0 ? item : item.slice(0, slash), slash >= 0, rule);
    if (!step || !range || range[0] > range[1]) return undefined;
    for (let n = range[0]; n <= range[1]; n += step) out.add(n);
  }
  return out;
}

/** The expression, or what is wrong with it. */
export function parseCron(text: string): Cron | CronProblem {
  if (new TextEncoder().encode(text).length > maxLength) return 'tooLong';
  const fields = text.split(/[ \t]/).filter((f) => f !== '');
  if (fields.length !== rules.length) return 'notFiveFields';
  const sets: Set<number>[] = [];
  for (const [i, rule] of rules.entries()) {
    const set = readField(fields[i]!, rule);
    if (!set) return cronFields[i]!;
    sets.push(set);
  }
  const [minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekdays.has(7)) weekdays.add(0);
  const eitherDay = !fields[2]!.startsWith('*') && !fields[4]!.startsWith('*');
  return { minutes, hours, days, months, weekdays, eitherDay };
}

const minute = 60_000;
const day = 24 * 60 * minute;
// Eight years without a leap day lie around 2100.
const searchLimit = 9 * 366 * day;

function matches(cron: Cron, today: LocalTime): boolean {
  const date = new Date(today);
  if (!cron.months.has(date.getUTCMonth() + 1)) return false;
  const ofMonth = cron.days.has(date.getUTCDate());
  const ofWeek = cron.weekdays.has(date.getUTCDay());
  return cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

const ascending = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);

/** The first match strictly after `from`; undefined when there is none within nine years. */
export function nextOfCron(cron: Cron, from: number, zone: TimeZone): number | undefined {
  const times = ascending(cron.hours).flatMap((h) =>
    ascending(cron.minutes).map((m) => (h * 60 + m) * minute),
  );
  const today = Math.floor(zone.local(from) / day) * day;
  // A skipped local time moves forward past times that are later on the clock, so the search starts a day early and
  // goes on until the clock reaches the best time found.
  let best: number | undefined;
  let bestOnClock = Infinity;
  for (let d = today - day; d <= today + searchLimit && d < bestOnClock; d += day) {
    if (!matches(cron, d)) continue;
    for (const time of times) {
      if (d + time >= bestOnClock) return best;
      const t = zone.at(d + time);
      if (t > from && (best === undefined || t < best)) {
        best = t;
        bestOnClock = zone.local(t);
      }
    }
  }
  return best;
}
