// Dates and numbers in a language, as people read them. Instants are shown in the browser's zone unless one is named;
// days (`YYYY-MM-DD`) have no zone and stay what they are.
import { regionOf, type Language } from '$lib/i18n';

type When = string | number | Date;

const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Invalid where the text is no date. A day becomes its beginning here. */
function dateOf(when: When): Date {
  const day = typeof when === 'string' ? dayPattern.exec(when) : null;
  return day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])) : new Date(when);
}

function formatted(when: When, language: Language, options: Intl.DateTimeFormatOptions): string {
  const date = dateOf(when);
  // Foreign clients may have written anything: shown as it is rather than as "Invalid Date".
  return Number.isNaN(date.getTime())
    ? String(when)
    : new Intl.DateTimeFormat(regionOf(language), options).format(date);
}

/** "26. November 2026" */
export const formatDate = (when: When, language: Language, timeZone?: string) =>
  formatted(when, language, { dateStyle: 'long', timeZone });

/** "Donnerstag, 26. November" with the year only where it is another one than now's. */
export const formatDay = (when: When, language: Language, now = new Date()) =>
  formatted(when, language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(dateOf(when).getFullYear() !== now.getFullYear() && { year: 'numeric' }),
  });

/** "26. Nov." with the year only where it is another one than now's. */
export const formatShortDay = (when: When, language: Language, now = new Date()) =>
  formatted(when, language, {
    day: 'numeric',
    month: 'short',
    ...(dateOf(when).getFullYear() !== now.getFullYear() && { year: 'numeric' }),
  });

/** "26.11.2026, 17:30" */
export const formatDateTime = (when: When, language: Language, timeZone?: string) =>
  formatted(when, language, { dateStyle: 'medium', timeStyle: 'short', timeZone });

/** "17:30" */
export const formatTime = (when: When, language: Language, timeZone?: string) =>
  formatted(when, language, { timeStyle: 'short', timeZone });

export const formatNumber = (value: number, language: Language) =>
  new Intl.NumberFormat(regionOf(language), { maximumFractionDigits: 2 }).format(value);

const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** "in 3 Stunden", "gestern", "jetzt" within half a minute. */
export function formatRelative(when: When, language: Language, now: Date = new Date()): string {
  const date = dateOf(when);
  if (Number.isNaN(date.getTime())) return String(when);
  const seconds = (date.getTime() - now.getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat(regionOf(language), { numeric: 'auto' });
  // Rounded before the unit is chosen, so that 59.6 minutes is an hour and not 60 minutes.
  const [unit, size] = units.find(([, one]) => Math.round(Math.abs(seconds) / one) >= 1) ?? ['second', 0];
  return size === 0 || Math.abs(seconds) < 30
    ? words.format(0, 'second')
    : words.format(Math.sign(seconds) * Math.round(Math.abs(seconds) / size), unit);
}

/** "a, b und c" */
export const formatList = (items: readonly string[], language: Language) =>
  new Intl.ListFormat(regionOf(language), { type: 'conjunction' }).format(items);
