// What people do with a module's records, each one batch. Tools of the AI write the same fields.
import { batch } from '$lib/store/records';
import type { Fields } from './form_values';
import { dayOf, nextHour } from './local_time';
import type { Row } from './records';
import type { ModuleSpec } from './registry';

const instant = () => new Date().toISOString();

// The time of completion follows the flag, whoever sets it.
const completed = (spec: ModuleSpec, values: Fields): Fields =>
  spec.name === 'tasks' && 'isCompleted' in values
    ? { ...values, completedAt: values.isCompleted === true ? instant() : null }
    : values;

function split(spec: ModuleSpec, values: Fields): { own: Fields; linked: Fields } {
  const names = new Set(spec.linked?.fields.map((f) => f.name));
  const entries = Object.entries(values);
  return {
    own: completed(spec, Object.fromEntries(entries.filter(([name]) => !names.has(name)))),
    linked: Object.fromEntries(entries.filter(([name]) => names.has(name))),
  };
}

export function createRecord(spec: ModuleSpec, values: Fields): Promise<string> {
  const { own, linked } = split(spec, values);
  return batch(async (writer) => {
    if (!spec.linked)
      return writer.insert(spec.table, { ...(spec.singleton && { id: spec.singleton }), ...own });
    const link = await writer.insert(spec.linked.table, linked);
    return writer.insert(spec.table, { ...own, [spec.linked.by]: link });
  });
}

export function changeRecord(spec: ModuleSpec, row: Row, values: Fields): Promise<void> {
  const { own, linked } = split(spec, values);
  return batch(async (writer) => {
    const changed = { ...own };
    if (spec.linked && Object.keys(linked).length > 0) {
      const known = row[spec.linked.by];
      // An insert of a known id only writes the fields; it also mends an event whose times never arrived.
      const link = await writer.insert(spec.linked.table, {
        ...(typeof known === 'string' && { id: known }),
        ...linked,
      });
      if (link !== known) changed[spec.linked.by] = link;
    }
    if (Object.keys(changed).length > 0) await writer.update(spec.table, row.id, changed);
  });
}

type Whole = 'hide' | 'unhide' | 'remove';

function withLinked(spec: ModuleSpec, row: Row, what: Whole): Promise<void> {
  return batch(async (writer) => {
    await writer[what](spec.table, row.id);
    const link = spec.linked && row[spec.linked.by];
    if (spec.linked && typeof link === 'string') await writer[what](spec.linked.table, link);
  });
}

export const moveToBin = (spec: ModuleSpec, row: Row) => withLinked(spec, row, 'hide');
export const restore = (spec: ModuleSpec, row: Row) => withLinked(spec, row, 'unhide');
export const removeForever = (spec: ModuleSpec, row: Row) => withLinked(spec, row, 'remove');

export const countVisit = (spec: ModuleSpec, row: Row) =>
  changeRecord(spec, row, {
    visitCount: (typeof row.visitCount === 'number' ? row.visitCount : 0) + 1,
    lastVisitedAt: instant(),
  });

/** What a new record begins with. */
export function newRecord(spec: ModuleSpec, now: Date): Fields {
  const make = beginnings[spec.name];
  return make ? make(now) : {};
}

const beginnings: Readonly<Record<string, (now: Date) => Fields>> = {
  tasks: () => ({ isCompleted: false }),
  calendar: (now) => {
    const start = nextHour(now);
    return { startDate: start.toISOString(), endDate: new Date(start.getTime() + 3_600_000).toISOString() };
  },
  journal: (now) => ({ date: dayOf(now) }),
  goals: () => ({ currentValue: 0, period: 'week' }),
  drinks: (now) => ({ kind: 'water', milliliters: 250, drunkAt: now.toISOString() }),
};
