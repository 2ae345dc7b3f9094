import {
  applyChange,
  fieldsOf,
  isComplete,
  lastStamp,
  nothingKnown,
  stampsOf,
  type Change,
  type Merged,
} from '$lib/model/merge';
import { stampAfter, stampRightBehind } from '$lib/model/stamp';
import { describe, expect, it } from 'vitest';
import { Random, seed } from '../random';
import { vectors } from '../vectors';

interface Row {
  op: Change['op'];
  data: Record<string, unknown>;
  field_timestamps: Record<string, string>;
  created_at: string;
}

const changeOf = (row: Row, n: number): Change => ({
  at: row.created_at.replace('Z', '000Z'),
  row: `0000-${n}`,
  op: row.op,
  data: row.data,
  stamps: row.field_timestamps,
});

const folded = (changes: readonly Change[], table = 'notes'): Merged =>
  changes.reduce((state, c) => applyChange(state, table, c), nothingKnown());

describe('the vectors of the log', () => {
  const random = new Random(seed);
  for (const { name, rows, expected } of vectors.lww) {
    const changes: Change[] = rows.map(changeOf);
    const orders: [string, Change[]][] = [
      ['in order', changes],
      ['reversed', [...changes].reverse()],
      ['each twice', changes.flatMap((c) => [c, c])],
      ...Array.from({ length: 20 }, (): [string, Change[]] => [
        `shuffled, seed ${seed}`,
        random.shuffled([...changes, ...changes]),
      ]),
    ];
    it(name, () => {
      for (const [order, list] of orders) {
        const state = folded(list);
        expect(fieldsOf(state, 'notes', 'r'), order).toEqual(expected?.record ?? null);
        if (expected) expect(stampsOf(state), order).toEqual(expected.stamps);
      }
    });
  }
});

// The rule as the contract words it, over the whole history in order.
function byTheBook(changes: readonly Change[], table: string): Record<string, unknown> | null {
  const ordered = [...changes].sort((a, b) => (a.at + a.row < b.at + b.row ? -1 : 1));
  const lastErase = ordered.findLastIndex((c) => c.op === 'delete' && !c.data.deletedAt);
  const alive = ordered.slice(lastErase + 1);
  if (alive.length === 0) return null;
  const writes: { path: string; value: unknown; stamp: string; n: number }[] = [];
  for (const c of alive) {
    const stampOfRow = `${c.at.slice(0, 23)}Z`;
    const data = c.op === 'delete' ? { deletedAt: c.data.deletedAt, updatedAt: c.data.deletedAt } : c.data;
    for (const path of Object.keys(data).sort((a, b) => a.length - b.length)) {
      const stamp =
        c.op === 'insert'
          ? ((c.data.updatedAt ?? stampOfRow) as string)
          : c.op === 'delete'
            ? (c.data.deletedAt as string)
            : (c.stamps?.[path] ?? stampOfRow);
      writes.push({ path, value: data[path as keyof typeof data], stamp, n: writes.length });
    }
  }
  writes.sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : a.n - b.n));
  const out: Record<string, unknown> = {};
  const elements = new Map<string, { id: string; startedAt: string }>();
  for (const { path, value } of writes) {
    if (table === 'aiMissions' && path === 'iterations') {
      for (const e of value as { id: string; startedAt: string }[]) elements.set(e.id, e);
      out.iterations = [];
      continue;
    }
    const names = path.split('.');
    let at = out;
    for (const name of names.slice(0, -1)) {
      const child = at[name];
      at[name] = typeof child === 'object' && child !== null ? { ...child } : {};
      at = at[name] as Record<string, unknown>;
    }
    at[names[names.length - 1]!] = value;
  }
  if (out.iterations)
    out.iterations = [...elements.values()].sort((a, b) =>
      a.startedAt + a.id < b.startedAt + b.id ? -1 : 1,
    );
  return { ...out, id: 'r' };
}

const time = (n: number): string => new Date(Date.UTC(2026, 3, 15, 10, 0, n)).toISOString();

function randomHistory(random: Random): Change[] {
  const stamp = () => time(random.below(8));
  return Array.from({ length: 1 + random.below(12) }, (_, n): Change => {
    const at = `${time(n + random.below(2)).slice(0, 23)}${random.below(2)}00Z`;
    const where = { at, row: `row-${String(n).padStart(3, '0')}` };
    const dice = random.below(10);
    if (dice === 0) return { ...where, op: 'delete', data: {} };
    if (dice === 1) return { ...where, op: 'delete', data: { deletedAt: stamp() } };
    if (dice < 4)
      return {
        ...where,
        op: 'insert',
        data: {
          title: `t${n}`,
          cadence: { kind: 'interval', everyMinutes: n },
          iterations: [],
          updatedAt: stamp(),
        },
      };
    const data: Record<string, unknown> = {};
    const stamps: Record<string, string> = {};
    for (const path of ['title', 'cadence', 'cadence.everyMinutes', 'cadence.deep.er', 'iterations']) {
      if (random.chance(0.5)) continue;
      data[path] =
        path === 'iterations'
          ? [{ id: `i${random.below(3)}`, startedAt: time(random.below(3)), n }]
          : path === 'cadence' && random.chance(0.7)
            ? { kind: 'interval', everyMinutes: n }
            : `v${n}`;
      if (random.chance(0.8)) stamps[path] = stamp();
    }
    return { ...where, op: 'update', data, stamps };
  });
}

describe('any history', () => {
  it('means the same in every order, and however often its rows come', () => {
    const random = new Random(seed);
    for (let round = 0; round < 2000; round++) {
      const history = randomHistory(random);
      const expected = byTheBook(history, 'aiMissions');
      for (const list of [history, [...history].reverse(), random.shuffled([...history, ...history])])
        expect(
          fieldsOf(folded(list, 'aiMissions'), 'aiMissions', 'r'),
          `seed ${seed}, round ${round}`,
        ).toEqual(expected);
    }
  });
});

describe('a record', () => {
  const insert: Change = {
    at: '2026-04-15T10:00:00.000000Z',
    row: 'a',
    op: 'insert',
    data: { title: 'a', updatedAt: time(0) },
  };
  const erase: Change = { at: '2026-04-15T10:00:01.000000Z', row: 'b', op: 'delete', data: {} };
  const edit: Change = {
    at: '2026-04-15T10:00:02.000000Z',
    row: 'c',
    op: 'update',
    data: { title: 'c' },
    stamps: {},
  };
  it('is complete when its insert is known and was not removed', () => {
    expect(isComplete(folded([insert]))).toBe(true);
    expect(isComplete(folded([edit]))).toBe(false);
    expect(isComplete(folded([edit, insert]))).toBe(true);
    expect(isComplete(folded([edit, erase, insert]))).toBe(false);
    expect(isComplete(folded([nothing()]))).toBe(false);
  });
  const nothing = (): Change => ({ ...erase, row: 'z' });
  it('keeps fields that this version does not know', () =>
    expect(
      fieldsOf(folded([{ ...insert, data: { ...insert.data, later: { x: 1 } } }]), 'notes', 'r'),
    ).toMatchObject({ later: { x: 1 } }));
  it('takes no path that could reach another object', () => {
    const data = JSON.parse(
      '{"__proto__": {"x": 1}, "a.__proto__.x": 1, "a..b": 1, "__hidden": 1, "id": "other", "a": {}}',
    );
    const state = folded([{ ...insert, data }]);
    expect(Object.keys(fieldsOf(state, 'notes', 'r')!).sort()).toEqual(['a', 'id']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
  it('leaves the values of its rows as they are', () => {
    const cadence = { kind: 'interval', everyMinutes: 1 };
    const state = folded([
      { ...insert, data: { cadence, updatedAt: time(0) } },
      { ...edit, data: { 'cadence.everyMinutes': 2 } },
    ]);
    expect(fieldsOf(state, 'notes', 'r')).toMatchObject({ cadence: { everyMinutes: 2 } });
    expect(cadence.everyMinutes).toBe(1);
  });
});

describe('stamps', () => {
  const now = new Date('2026-04-15T10:00:00.000Z');
  it('are the time, where that is later', () => {
    expect(stampAfter(now, undefined)).toBe(now.toISOString());
    expect(stampAfter(now, '2026-04-15T09:59:59.999Z')).toBe(now.toISOString());
  });
  it('pass the last one, whatever the clock says', () => {
    expect(stampAfter(now, now.toISOString())).toBe('2026-04-15T10:00:00.001Z');
    expect(stampAfter(now, '2031-01-01T00:00:00.999Z')).toBe('2031-01-01T00:00:01.000Z');
  });
  it('of a rewrite are right behind the last', () =>
    expect(stampRightBehind('2020-01-01T00:00:00.000Z')).toBe('2020-01-01T00:00:00.001Z'));
  it('consider what lies around and below a path', () => {
    const at = '2026-04-15T10:00:00.000000Z';
    const state = folded([
      {
        at,
        row: 'a',
        op: 'update',
        data: { 'cadence.everyMinutes': 1, cadence: {} },
        stamps: { 'cadence.everyMinutes': time(9), cadence: time(1) },
      },
    ]);
    expect(lastStamp(state, 'notes', 'cadence')).toBe(time(9));
    expect(lastStamp(state, 'notes', 'cadence.kind')).toBe(time(1));
    expect(lastStamp(state, 'notes', 'title')).toBeUndefined();
  });
});
