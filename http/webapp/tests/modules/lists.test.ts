import { dueOf } from '$lib/modules/due';
import { totalOf } from '$lib/modules/drink_totals';
import { dateFieldOf, groupedByDay, ordered, ordersOf } from '$lib/modules/ordering';
import { moduleNamed } from '$lib/modules/registry';
import { folded, searcher } from '$lib/modules/search';
import { describe, expect, it } from 'vitest';

const spec = (name: string) => moduleNamed(name)!;

describe('searching', () => {
  const finds = (query: string, record: Record<string, unknown>) => searcher(spec('notes'), query)(record);
  const note = { title: 'Über Straßen', content: 'Ein Café\nam Fluss', id: 'geheim' };

  it('does not mind case and accents', () => {
    expect(folded('ÜBER Straße Café')).toBe('uber strasse cafe');
    for (const query of ['uber', 'STRASSE', 'café', 'cafe\u0301', '  '])
      expect(finds(query, note)).toBe(true);
  });
  it('wants every word, wherever it stands', () => {
    expect(finds('fluss uber', note)).toBe(true);
    expect(finds('fluss meer', note)).toBe(false);
  });
  it('looks at texts only, and not at what is not readable', () => {
    expect(finds('geheim', note)).toBe(false);
    expect(finds('enc', { title: 'enc:2:abc', unreadable: ['title'] })).toBe(false);
  });
});

describe('an order', () => {
  const row = (id: string, more: Record<string, unknown> = {}) => ({
    id,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...more,
  });
  const ids = (rows: { id: string }[]) => rows.map((r) => r.id).join('');

  it('is by date where the records are about one', () => {
    expect(dateFieldOf(spec('calendar'))).toBe('startDate');
    expect(dateFieldOf(spec('tasks'))).toBe('dueDate');
    expect(ordersOf(spec('notes'))).not.toContain('date');
  });
  it('shows what is due next first, and what has no date last', () => {
    const rows = [row('a'), row('b', { dueDate: '2026-05-02' }), row('c', { dueDate: '2026-05-01' })];
    expect(ids(ordered(spec('tasks'), rows, 'date', 'de'))).toBe('cba');
  });
  it('shows the last entry of a journal first', () => {
    const rows = [row('a', { date: '2026-05-01' }), row('b', { date: '2026-05-02' })];
    expect(ids(ordered(spec('journal'), rows, 'date', 'de'))).toBe('ba');
  });
  it('knows the alphabet of people', () => {
    const rows = ['Zebra', 'Äpfel', 'apfel 10', 'Apfel 9'].map((title, at) => row('abcd'[at]!, { title }));
    expect(ids(ordered(spec('notes'), rows, 'title', 'de'))).toBe('bdca');
  });
  it('is the same for any order before, and leaves its input alone', () => {
    const rows = [row('b'), row('a'), row('c', { createdAt: '2026-02-01T00:00:00.000Z' })];
    expect(ids(ordered(spec('notes'), rows, 'changed', 'de'))).toBe('cab');
    expect(ids(ordered(spec('notes'), [...rows].reverse(), 'changed', 'de'))).toBe('cab');
    expect(ids(rows)).toBe('bac');
  });
});

it('days group what stands together', () => {
  const groups = groupedByDay(['a1', 'a2', 'b1', '?'], (s) => (s === '?' ? undefined : s[0]));
  expect(groups).toEqual([
    { day: 'a', rows: ['a1', 'a2'] },
    { day: 'b', rows: ['b1'] },
    { day: undefined, rows: ['?'] },
  ]);
});

it('a due date stands to today', () => {
  const kinds = ['2026-12-30', '2026-12-31', '2027-01-01', '2027-01-02'].map(
    (d) => dueOf(d, '2026-12-31')?.kind,
  );
  expect(kinds).toEqual(['overdue', 'today', 'tomorrow', 'on']);
  expect(dueOf(undefined, '2026-12-31')).toBeUndefined();
  expect(dueOf('bald', '2026-12-31')).toBeUndefined();
});

it('drinks add up, whatever foreign clients wrote', () =>
  expect(
    totalOf([{ milliliters: 250 }, { milliliters: '300' }, {}, { milliliters: NaN }, { milliliters: 50 }]),
  ).toBe(300));
