// Days and the times of form controls, in the browser's zone. Pure but for the zone.

/** `YYYY-MM-DD` */
export type Day = string;

const two = (n: number) => String(n).padStart(2, '0');

export const dayOf = (date: Date): Day =>
  `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

/** Of an instant or a day as a record holds it; undefined where it is neither. */
export function dayOfValue(value: unknown): Day | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : dayOf(date);
}

/** By the calendar: a day with a clock change is a day too. */
export function addDays(day: Day, days: number): Day {
  const [year, month, date] = day.split('-').map(Number);
  return dayOf(new Date(year!, month! - 1, date! + days, 12));
}

/** An instant as `<input type="datetime-local">` wants it; '' where it is none. */
export function toLocalControl(iso: unknown): string {
  const date = typeof iso === 'string' ? new Date(iso) : new Date(NaN);
  if (Number.isNaN(date.getTime())) return '';
  return `${dayOf(date)}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/**
 * The instant of a local time. One that the clock change skips moves forward by the hour that is missing, one that
 * occurs twice means the first. Undefined where it is no time.
 */
export function fromLocalControl(text: string): string | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/.exec(text)?.slice(1).map(Number);
  if (!parts) return undefined;
  const [year, month, day, hour, minute] = parts as [number, number, number, number, number];
  const date = new Date(year, month - 1, day, hour, minute);
  // Of 31 February Date makes March, of 25:00 the next day.
  const real = date.getMonth() === month - 1 && date.getDate() === day && minute < 60;
  return real ? date.toISOString() : undefined;
}

/** The beginning of the next hour, for what is planned. */
export function nextHour(now: Date): Date {
  const out = new Date(now);
  out.setMinutes(60, 0, 0);
  return out;
}
