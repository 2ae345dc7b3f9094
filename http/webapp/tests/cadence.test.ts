import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nextRun, nextSlot, previewRuns } from '$lib/model/cadence';

// Resolved against the repository, whose vectors the runner's tests use as well.
const vectors = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/vectors.json', import.meta.url), 'utf8'),
) as { cadence: { cases: { cadence: unknown; from: string; next: Record<string, string | null> }[] } };

/** The next run as text, `none`, or the field and problem. */
function next(cadence: unknown, from: string, zone = 'UTC'): string {
  const run = nextRun(cadence, Date.parse(from), zone);
  if (!run.ok) return `${run.field}: ${run.problem}`;
  return run.at === null ? 'none' : new Date(run.at).toISOString();
}
const cron = (expression: unknown, from: string, zone?: string) =>
  next({ kind: 'cron', expression }, from, zone);

const tuesday = '2026-04-14T10:00:00Z';

describe('the vectors', () => {
  const cases = vectors.cadence.cases.flatMap((c) =>
    Object.entries(c.next).map(([zone, expected]) => ({ ...c, zone, expected })),
  );
  it('are all there', () => expect(cases.length).toBe(48));
  it.each(cases)('$cadence from $from in $zone', ({ cadence, from, zone, expected }) =>
    expect(next(cadence, from, zone)).toBe(expected ?? 'none'),
  );
});

describe('intervals', () => {
  it.each([4.99, 1, 0.0001, 5])('of %s minutes count as five', (everyMinutes) =>
    expect(next({ kind: 'interval', everyMinutes }, tuesday)).toBe('2026-04-14T10:05:00.000Z'),
  );
  it('may be 366 days', () =>
    expect(next({ kind: 'interval', everyMinutes: 527040 }, '2026-01-01T00:00:00Z')).toBe(
      '2027-01-02T00:00:00.000Z',
    ));
  it.each([0, -5, 527040.5, 1e300, Infinity, NaN, null, '60', true, [], undefined])(
    'are not %s',
    (everyMinutes) =>
      expect(next({ kind: 'interval', everyMinutes }, tuesday)).toBe('everyMinutes: notAnInterval'),
  );
});

describe('what is wrong is named', () => {
  it.each([24, -1, 9.5, '9', null, 1e99])('as hour: %s', (atHour) => {
    expect(next({ kind: 'daily', atMinute: 0, atHour }, tuesday)).toBe('atHour: notAnHour');
    expect(next({ kind: 'weekly', dayOfWeek: 1, atHour }, tuesday)).toBe('atHour: notAnHour');
  });
  it.each([
    [{ kind: 'daily', atHour: 9 }, 'atMinute: notAMinute'],
    [{ kind: 'daily', atHour: 9, atMinute: 60 }, 'atMinute: notAMinute'],
    [{ kind: 'weekly', dayOfWeek: 7, atHour: 9 }, 'dayOfWeek: notAWeekday'],
    [{ kind: 'weekly', atHour: 9 }, 'dayOfWeek: notAWeekday'],
    [{ kind: 'weekly', dayOfWeek: 1, atHour: 9, atMinute: -1 }, 'atMinute: notAMinute'],
    [{ kind: 'hourly' }, 'kind: unknownKind'],
    [{ kind: 7 }, 'kind: unknownKind'],
    [{}, 'kind: unknownKind'],
    [null, 'kind: unknownKind'],
    [[], 'kind: unknownKind'],
    [{ kind: 'cron' }, 'expression: notAnExpression'],
  ])('%j', (cadence, expected) => expect(next(cadence, tuesday)).toBe(expected));

  it.each([
    '',
    'Mars/Base',
    'europe/berlin',
    'utc',
    '+01:00',
    '../../etc/passwd',
    'UTC\n',
    'x'.repeat(100_000),
  ])('as zone: %j', (zone) => {
    const expected = 'timeZone: unknownZone';
    expect(next({ kind: 'daily', atHour: 9, atMinute: 0 }, tuesday, zone)).toBe(expected);
    expect(next({ kind: 'weekly', dayOfWeek: 1, atHour: 9 }, tuesday, zone)).toBe(expected);
    expect(cron('0 9 * * *', tuesday, zone)).toBe(expected);
    expect(next({ kind: 'manual' }, tuesday, zone)).toBe('none');
    expect(next({ kind: 'interval', everyMinutes: 60 }, tuesday, zone)).toBe('2026-04-14T11:00:00.000Z');
  });
});

describe('times on the clock', () => {
  it('may be at any minute, weekly ones too', () => {
    const weekly = { kind: 'weekly', dayOfWeek: 2, atHour: 9, atMinute: 45 };
    expect(next(weekly, '2026-04-14T09:44:59.999Z')).toBe('2026-04-14T09:45:00.000Z');
    expect(next(weekly, '2026-04-14T09:45:00Z')).toBe('2026-04-21T09:45:00.000Z');
  });
  it('survive a day that a zone skipped', () => {
    // Samoa had no 30 December 2011.
    const zone = 'Pacific/Apia';
    const nine = { kind: 'daily', atHour: 9, atMinute: 0 };
    expect(next(nine, '2011-12-29T20:00:00Z', zone)).toBe('2011-12-30T19:00:00.000Z');
    expect(cron('0 9 30 12 *', '2011-12-29T20:00:00Z', zone)).toBe('2011-12-30T19:00:00.000Z');
    expect(cron('0 9 30 12 *', '2011-12-30T10:30:00Z', zone)).toBe('2011-12-30T19:00:00.000Z');
  });
});

describe('the slot after a slot', () => {
  const slot = (cadence: unknown, from: string, now: string) => {
    const run = nextSlot(cadence, Date.parse(from), Date.parse(now), 'UTC');
    return !run.ok ? run.problem : run.at === null ? 'none' : new Date(run.at).toISOString();
  };
  const hourly = { kind: 'interval', everyMinutes: 60 };
  it.each([
    [hourly, '2026-04-14T10:00:00Z', '2026-04-14T10:00:42Z', '2026-04-14T11:00:00.000Z'],
    [hourly, '2026-04-14T10:00:00Z', '2026-04-14T11:00:00Z', '2026-04-14T12:00:00.000Z'],
    [hourly, '2026-04-14T10:00:00Z', '2026-04-17T03:12:00Z', '2026-04-17T04:12:00.000Z'],
    [{ kind: 'manual' }, '2026-04-14T09:00:00Z', '2026-04-17T08:00:00Z', 'none'],
    [{ kind: 'x' }, '2026-04-14T09:00:00Z', '2026-04-17T08:00:00Z', 'unknownKind'],
  ])('%j', (cadence, from, now, expected) => expect(slot(cadence, from, now)).toBe(expected));
});

describe('cron', () => {
  const from = '2026-04-14T10:07:30.500Z';
  it.each([
    ['* * * * *', from, '2026-04-14T10:08:00.000Z'],
    ['*/15 * * * *', from, '2026-04-14T10:15:00.000Z'],
    ['5/20 * * * *', from, '2026-04-14T10:25:00.000Z'],
    ['0,30 8-9,12 * * *', from, '2026-04-14T12:00:00.000Z'],
    ['10-20/5 10 * * *', from, '2026-04-14T10:10:00.000Z'],
    ['0 9 * * mon-fri', '2026-04-17T09:00:00Z', '2026-04-20T09:00:00.000Z'],
    ['0 9 * * SAT', from, '2026-04-18T09:00:00.000Z'],
    ['0 0 1 Jan,jul *', from, '2026-07-01T00:00:00.000Z'],
    ['\t0   9 * *  1 ', from, '2026-04-20T09:00:00.000Z'],
    ['7 10 * * *', '2026-04-14T10:07:00Z', '2026-04-15T10:07:00.000Z'],
    // Sunday
    ...['0', '7', 'sun', 'sun,7'].map((d) => [`0 9 * * ${d}`, tuesday, '2026-04-19T09:00:00.000Z']),
    ...['6-7', '6-0', 'sat-sun', '0,6'].map((d) => [`0 9 * * ${d}`, tuesday, '2026-04-18T09:00:00.000Z']),
    // either day
    ['0 0 20 * fri', tuesday, '2026-04-17T00:00:00.000Z'],
    ['0 0 16 * fri', tuesday, '2026-04-16T00:00:00.000Z'],
    ['0 0 * * fri', tuesday, '2026-04-17T00:00:00.000Z'],
    ['0 0 20 * *', tuesday, '2026-04-20T00:00:00.000Z'],
    ['0 0 */2 * fri', tuesday, '2026-04-17T00:00:00.000Z'],
    ['0 0 */2 * fri', '2026-04-17T00:00:00Z', '2026-05-01T00:00:00.000Z'],
    // leap days
    ['0 0 29 2 *', tuesday, '2028-02-29T00:00:00.000Z'],
    ['0 0 29 2 *', '2096-02-29T00:00:00Z', '2104-02-29T00:00:00.000Z'],
    ['0 0 30 2 *', tuesday, 'expression: neverTrue'],
    ['0 0 31 4,6,9,11 *', tuesday, 'expression: neverTrue'],
  ] as [string, string, string][])('%s from %s', (expression, from, expected) =>
    expect(cron(expression, from)).toBe(expected),
  );

  it.each([
    ['', 'notFiveFields'],
    ['* * * *', 'notFiveFields'],
    ['* * * * * *', 'notFiveFields'],
    ['@daily', 'notFiveFields'],
    ['*'.repeat(1000), 'tooLong'],
    ...[
      '60',
      '*/0',
      '*/',
      '5-',
      '-5',
      '9-5',
      '1,,2',
      ',',
      '1,',
      'a',
      '1-2-3',
      '1/2/3',
      '**',
      '1.5',
      '100',
    ].map((m) => [`${m} * * * *`, 'minute']),
    ['*-5 * * * *', 'minute'],
    ['* 24 * * *', 'hour'],
    ...['0', '32', 'mon', '?'].map((d) => [`* * ${d} * *`, 'dayOfMonth']),
    ...['0', '13', 'foo', 'janu'].map((m) => [`* * * ${m} *`, 'month']),
    ...['8', 'jan', 'fri-mon', 'L'].map((d) => [`* * * * ${d}`, 'dayOfWeek']),
  ] as [string, string][])('refuses %j', (expression, problem) => {
    expect(cron(expression, tuesday)).toBe(`expression: cron_${problem}`);
  });
});

describe('the preview', () => {
  it('shows the next five, across a clock change', () => {
    const preview = previewRuns(
      { kind: 'daily', atHour: 9, atMinute: 0 },
      Date.parse('2026-03-27T12:00:00Z'),
      'Europe/Berlin',
    );
    expect(preview.ok && preview.runs.map((t) => new Date(t).toISOString())).toEqual([
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
      '2026-03-30T07:00:00.000Z',
      '2026-03-31T07:00:00.000Z',
      '2026-04-01T07:00:00.000Z',
    ]);
  });
  it('is empty for manual and names what is wrong', () => {
    expect(previewRuns({ kind: 'manual' }, 0, 'UTC')).toEqual({ ok: true, runs: [] });
    expect(previewRuns({ kind: 'daily', atHour: 25, atMinute: 0 }, 0, 'UTC')).toEqual({
      ok: false,
      field: 'atHour',
      problem: 'notAnHour',
    });
  });
});
