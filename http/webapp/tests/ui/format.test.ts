import {
  formatDay,
  formatList,
  formatNumber,
  formatRelative,
  formatShortDay,
  formatTime,
} from '$lib/ui/format';
import { describe, expect, it } from 'vitest';

const now = new Date('2026-11-26T12:00:00Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);

describe('a time beside now', () => {
  it.each([
    [0, 'jetzt'],
    [-20, 'jetzt'],
    [59, 'in 1 Minute'],
    [-90, 'vor 2 Minuten'],
    [3576, 'in 1 Stunde'],
    [-3 * 3600, 'vor 3 Stunden'],
    [86_400, 'morgen'],
    [-2 * 86_400, 'vorgestern'],
    [7 * 86_400, 'nächste Woche'],
    [-400 * 86_400, 'letztes Jahr'],
  ])('%i s is “%s”', (seconds, words) => expect(formatRelative(after(seconds), 'de', now)).toBe(words));
  it('has English words', () => expect(formatRelative(after(-3600), 'en', now)).toBe('1 hour ago'));
});

describe('a day', () => {
  it('stays itself in every zone', () =>
    expect(formatDay('2026-11-26', 'de', now)).toBe('Donnerstag, 26. November'));
  it('has its year where that is another one', () => {
    expect(formatDay('2027-01-01', 'en', now)).toContain('2027');
    expect(formatShortDay('2026-05-02', 'de', now)).toBe('2. Mai');
  });
});

it('an instant is shown in the zone that is named', () => {
  expect(formatTime('2026-07-01T10:00:00Z', 'de', 'Europe/Berlin')).toBe('12:00');
  expect(formatTime('2026-07-01T10:00:00Z', 'de', 'America/New_York')).toBe('06:00');
});

it('what is no date is shown as it is', () => {
  expect(formatDay('bald', 'de', now)).toBe('bald');
  expect(formatRelative('bald', 'de', now)).toBe('bald');
});

it('numbers and lists follow the language', () => {
  expect([formatNumber(1234.567, 'de'), formatNumber(1234.567, 'en')]).toEqual(['1.234,57', '1,234.57']);
  expect([formatList(['a', 'b', 'c'], 'de'), formatList(['a', 'b'], 'en')]).toEqual([
    'a, b und c',
    'a and b',
  ]);
});
