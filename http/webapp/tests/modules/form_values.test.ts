import { changedFields, formFields, fromControl, movedEnd, toControls } from '$lib/modules/form_values';
import { addDays, dayOf, fromLocalControl, nextHour, toLocalControl } from '$lib/modules/local_time';
import { moduleNamed, type FieldSpec } from '$lib/modules/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const zone = process.env.TZ;
beforeAll(() => void (process.env.TZ = 'Europe/Berlin'));
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

describe('a local time', () => {
  it('is the instant of its zone, in winter and in summer', () => {
    expect(fromLocalControl('2026-01-15T08:30')).toBe('2026-01-15T07:30:00.000Z');
    expect(fromLocalControl('2026-07-15T08:30')).toBe('2026-07-15T06:30:00.000Z');
  });
  it('moves forward where the clock change skips it', () =>
    expect(fromLocalControl('2026-03-29T02:30')).toBe('2026-03-29T01:30:00.000Z'));
  it('means the first where it occurs twice', () =>
    expect(fromLocalControl('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z'));
  it('comes back from the control as it went in', () => {
    for (const text of ['2026-01-01T00:00', '2026-03-29T03:00', '2026-06-30T23:59', '2026-10-25T02:00'])
      expect(toLocalControl(fromLocalControl(text))).toBe(text);
  });
  it('is none where the text is none', () => {
    for (const text of ['', '2026-01-15', '2026-02-31T10:00', '2026-01-15T25:00', '2026-01-15T10:75', 'x'])
      expect(fromLocalControl(text)).toBeUndefined();
    expect([undefined, null, 7, 'x'].map(toLocalControl)).toEqual(['', '', '', '']);
  });
});

describe('days', () => {
  it('are counted by the calendar, over clock changes too', () => {
    expect(addDays('2026-03-28', 2)).toBe('2026-03-30');
    expect(addDays('2026-10-26', -2)).toBe('2026-10-24');
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
  });
  it('are those of the zone', () => expect(dayOf(new Date('2026-06-30T22:30:00Z'))).toBe('2026-07-01'));
  it('have a next hour', () =>
    expect(nextHour(new Date('2026-06-30T21:59:30Z')).toISOString()).toBe('2026-06-30T22:00:00.000Z'));
});

describe('a control', () => {
  const field = (kind: FieldSpec['kind'], more: Partial<FieldSpec> = {}): FieldSpec => ({
    name: 'f',
    kind,
    ...more,
  });
  const ok = (f: FieldSpec, control: string | boolean) =>
    (fromControl(f, control) as { value: unknown }).value;
  const why = (f: FieldSpec, control: string) =>
    (fromControl(f, control) as { invalid: { code: string } }).invalid.code;

  it('gives the value of its kind', () => {
    expect(ok(field('text'), '  Titel ')).toBe('Titel');
    expect(ok(field('longtext'), ' eingerückt\n')).toBe(' eingerückt\n');
    expect(ok(field('number'), '2,5')).toBe(2.5);
    expect(ok(field('number'), ' -3 ')).toBe(-3);
    expect(ok(field('date'), '2026-11-26')).toBe('2026-11-26');
    expect(ok(field('boolean'), false)).toBe(false);
    expect(ok(field('enum', { values: ['a', 'b'] }), 'b')).toBe('b');
  });
  it('gives nothing where it is empty, unless it must not be', () => {
    expect(ok(field('text'), '   ')).toBeNull();
    expect(why(field('longtext', { required: true }), ' \n')).toBe('required');
  });
  it('says what is wrong', () => {
    expect(why(field('number'), 'viel')).toBe('number');
    expect(why(field('number'), 'Infinity')).toBe('number');
    expect(why(field('date'), '2026-02-30')).toBe('date');
    expect(why(field('datetime'), '2026-02-30T10:00')).toBe('date');
    expect(why(field('enum', { values: ['a'] }), 'z')).toBe('choice');
    expect(why(field('text'), 'x'.repeat(501))).toBe('tooLong');
  });
});

describe('a form', () => {
  const fields = formFields(moduleNamed('calendar')!);
  const record = {
    title: 'Arzt',
    location: null,
    startDate: '2026-10-25T01:30:45.000Z', // the second 02:30
    endDate: '2026-10-25T03:00:00.000Z',
  };
  const initial = toControls(fields, record);

  it('shows the fields of the linked record, and none that are hidden', () => {
    expect(fields.map((f) => f.name)).toEqual(['title', 'location', 'startDate', 'endDate', 'description']);
    expect(formFields(moduleNamed('tasks')!).some((f) => f.name === 'subtasks')).toBe(false);
  });
  it('writes nothing that was not touched, even what its control cannot say', () =>
    expect(changedFields(fields, initial, { ...initial, title: 'Zahnarzt' }, false)).toEqual({
      values: { title: 'Zahnarzt' },
      invalid: {},
    }));
  it('empties a field', () =>
    expect(
      changedFields(fields, { ...initial, location: 'Hier' }, { ...initial, location: '' }, false).values,
    ).toEqual({
      location: null,
    }));
  it('of a new record writes all that is filled in', () => {
    const now = { title: 'Neu', location: '', description: '', startDate: '2026-05-01T10:00', endDate: '' };
    expect(changedFields(fields, initial, now, true).values).toEqual({
      title: 'Neu',
      startDate: '2026-05-01T08:00:00.000Z',
    });
  });
  it('refuses an end before the start, and what is required but missing', () => {
    const now = { ...initial, title: ' ', startDate: '2026-05-01T10:00', endDate: '2026-05-01T09:59' };
    expect(changedFields(fields, initial, now, false).invalid).toEqual({
      title: { code: 'required' },
      endDate: { code: 'endBeforeStart' },
    });
  });
  it('lets the end follow the start, over a clock change too', () => {
    expect(movedEnd('2026-05-01T10:00', '2026-05-02T11:00', '2026-05-01T11:30')).toBe('2026-05-02T12:30');
    expect(movedEnd('2026-03-28T23:00', '2026-03-29T01:00', '2026-03-29T01:00')).toBe('2026-03-29T04:00');
    expect(movedEnd('', '2026-05-02T11:00', '2026-05-01T11:30')).toBe('2026-05-01T11:30');
  });
});
