import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import de from '$lib/i18n/de';
import { alarmAt } from '$lib/missions/logic/alarm';
import { cadenceDraft, cadenceOf, draftProblems, emptyDraft, fieldsOf } from '$lib/missions/logic/draft';
import { nextRunAt, rescheduled, resumed } from '$lib/missions/logic/schedule';
import { failureCodes, failureOf, reasons } from '$lib/missions/logic/why';
import type { Cadence, Mission } from '$lib/model/types';

const now = Date.parse('2026-04-14T10:00:00.000Z');
const nine: Cadence = { kind: 'daily', atHour: 9, atMinute: 0 };

describe('a schedule', () => {
  const mission = { cadence: nine, timeZone: 'Europe/Berlin', state: 'active' as const };
  it('begins in the zone of the mission, else in the default one', () => {
    expect(nextRunAt(nine, now, 'Europe/Berlin')).toBe('2026-04-15T07:00:00.000Z');
    expect(resumed({ ...mission, timeZone: undefined }, now, 'America/New_York').nextRunAt).toBe(
      '2026-04-14T13:00:00.000Z',
    );
  });
  it('has no next run when manual or broken', () => {
    expect(nextRunAt({ kind: 'manual' }, now, 'UTC')).toBeNull();
    expect(nextRunAt({ kind: 'cron', expression: 'x' }, now, 'UTC')).toBeNull();
  });
  it('stays through edits of something else, whatever the order of keys', () => {
    const same = { ...mission, cadence: { atMinute: 0, kind: 'daily', atHour: 9 } as Cadence };
    expect(rescheduled(mission, same, now, 'UTC')).toEqual({});
    expect(rescheduled({ ...mission, timeZone: undefined }, mission, now, 'Europe/Berlin')).toEqual({});
  });
  it('is computed anew with another cadence or zone', () => {
    expect(rescheduled(mission, { ...mission, timeZone: 'UTC' }, now, 'UTC')).toEqual({
      nextRunAt: '2026-04-15T09:00:00.000Z',
    });
    expect(rescheduled(mission, { ...mission, cadence: { kind: 'manual' } }, now, 'UTC')).toEqual({
      nextRunAt: null,
    });
  });
  it('of a paused mission waits for its resumption', () => {
    const paused = { ...mission, state: 'paused' as const };
    expect(rescheduled(paused, { ...paused, timeZone: 'UTC' }, now, 'UTC')).toEqual({});
    expect(resumed(paused, now, 'UTC')).toEqual({ state: 'active', nextRunAt: '2026-04-15T07:00:00.000Z' });
  });
});

describe('a draft', () => {
  it.each([
    { kind: 'manual' },
    { kind: 'interval', everyMinutes: 90 },
    { kind: 'interval', everyMinutes: 120 },
    { kind: 'interval', everyMinutes: 7.5 },
    { kind: 'interval', everyMinutes: 2 * 24 * 60 },
    nine,
    { kind: 'daily', atHour: 23, atMinute: 59 },
    { kind: 'weekly', dayOfWeek: 0, atHour: 7 },
    { kind: 'weekly', dayOfWeek: 6, atHour: 7, atMinute: 5 },
    { kind: 'cron', expression: '*/5 * * * *' },
  ] as Cadence[])('keeps %j as it was', (cadence) =>
    expect(cadenceOf(cadenceDraft(cadence))).toEqual(cadence),
  );
  it('shows intervals in the longest unit', () => {
    expect(cadenceDraft({ kind: 'interval', everyMinutes: 2880 })).toMatchObject({ every: 2, unit: 'days' });
    expect(cadenceDraft({ kind: 'interval', everyMinutes: 90 })).toMatchObject({
      every: 90,
      unit: 'minutes',
    });
  });
  it('says what is missing, by field', () =>
    expect(draftProblems(emptyDraft('UTC'), now)).toEqual({
      title: 'titleMissing',
      objective: 'objectiveMissing',
    }));
  it('says what is too much', () => {
    const draft = { ...emptyDraft('UTC'), title: 'x'.repeat(201), objective: '🙂'.repeat(2001) };
    draft.conceptMarkdown = 'x'.repeat(4001);
    draft.inputs = Array.from({ length: 201 }, (_, i) => ({
      module: 'notes',
      table: 'notes',
      id: String(i),
    }));
    expect(draftProblems(draft, now)).toEqual({
      title: 'tooLong',
      objective: 'tooLong',
      conceptMarkdown: 'tooLong',
      inputs: 'tooManyInputs',
    });
    expect(draftProblems({ ...draft, objective: '🙂'.repeat(2000) }, now).objective).toBeUndefined();
  });
  it.each([
    [{ kind: 'interval', every: null }, 'everyMinutes', 'notAnInterval'],
    [{ kind: 'daily', time: '' }, 'atHour', 'notAnHour'],
    [{ kind: 'cron', expression: '61 * * * *' }, 'expression', 'cron_minute'],
  ])('says what is wrong with a cadence: %j', (cadence, field, problem) => {
    const draft = { ...emptyDraft('UTC'), title: 't', objective: 'o' };
    Object.assign(draft.cadence, cadence);
    expect(draftProblems(draft, now)).toEqual({ cadence: { field, problem } });
  });
  it('becomes the fields of a mission', () =>
    expect(fieldsOf({ ...emptyDraft('Europe/Berlin'), title: ' t ', objective: 'o ' })).toEqual({
      title: 't',
      objective: 'o',
      conceptMarkdown: '',
      inputs: [],
      cadence: nine,
      timeZone: 'Europe/Berlin',
    } satisfies Partial<Mission>));
});

describe('an alarm', () => {
  const page = new EventTarget();
  beforeEach(() => void vi.useFakeTimers({ now }));
  afterEach(() => void vi.useRealTimers());

  it('rings at its time, once, and not before', () => {
    const ring = vi.fn();
    alarmAt(now + 30 * 24 * 3_600_000, ring, page);
    vi.advanceTimersByTime(30 * 24 * 3_600_000 - 1);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(ring).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(24 * 3_600_000);
    page.dispatchEvent(new Event('visibilitychange'));
    expect(ring).toHaveBeenCalledTimes(1);
  });
  it('rings when the page is seen again after a sleep', () => {
    const ring = vi.fn();
    alarmAt(now + 3_600_000, ring, page);
    vi.setSystemTime(now + 7_200_000); // timers stood still
    page.dispatchEvent(new Event('visibilitychange'));
    expect(ring).toHaveBeenCalledTimes(1);
  });
  it('rings soon when it is late already', () => {
    const ring = vi.fn();
    alarmAt(now - 1, ring, page);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(0);
    expect(ring).toHaveBeenCalledTimes(1);
  });
  it('is quiet once it was taken back', () => {
    const ring = vi.fn();
    alarmAt(now + 1000, ring, page)();
    vi.advanceTimersByTime(5000);
    page.dispatchEvent(new Event('visibilitychange'));
    expect(ring).not.toHaveBeenCalled();
  });
});

const source = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

describe('why a mission does not run', () => {
  it('has words for every reason', () =>
    expect(Object.keys(de.missions.why.reason)).toEqual(expect.arrayContaining([...reasons])));
  // What the runner's source says; a new reason there must get words here.
  it('knows every reason of the runner', () => {
    const directory = source('actors/mission_directory/mission_directory_actor.cpp');
    const why = /std::string why_not_running[\s\S]*?\n}/.exec(directory)![0];
    const said = [...why.matchAll(/"([a-z-]+)"/g)].map((m) => m[1]!);
    const holds = [...source('actors/mission/schedule.hpp').matchAll(/= "([a-z-]+)"/g)].map((m) => m[1]!);
    expect(said.length).toBeGreaterThan(5);
    expect(holds.length).toBeGreaterThan(5);
    expect([...said, ...holds].filter((r) => !(reasons as readonly string[]).includes(r))).toEqual([]);
  });
  it('has words for every failure', () =>
    expect(Object.keys(de.missions.failure)).toEqual(expect.arrayContaining([...failureCodes])));
  it('reads the code of an error', () => {
    expect(failureOf('llm_timeout: no answer')).toEqual({ code: 'llm_timeout', known: 'llm_timeout' });
    expect(failureOf('llm_circuit_open')).toEqual({ code: 'llm_circuit_open', known: 'llm_overloaded' });
    expect(failureOf('LLM_TIMEOUT').known).toBe('llm_timeout');
    expect(failureOf('something: else')).toEqual({ code: 'something', known: undefined });
  });
});
