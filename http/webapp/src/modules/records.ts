// A module's records as its pages show them: joined with the linked record, and `undefined` until they were read, so
// that no page says "nothing here" too early.
import { live, liveHidden, readAll, type Opened } from '$lib/store/records';
import { derived, readable, type Readable } from 'svelte/store';
import type { ModuleRecord, ModuleSpec } from './registry';

export type Row = Opened<ModuleRecord>;

const isHidden = (row: Row) => row.deletedAt !== undefined && row.deletedAt !== null;

function readOnce(table: string): Readable<Row[] | undefined> {
  return readable<Row[] | undefined>(undefined, (set) => {
    let known = false;
    let latest: Row[] = [];
    const tell = (now: boolean) => {
      known ||= now;
      if (known) set(latest);
    };
    const both = derived([live<ModuleRecord>(table), liveHidden<ModuleRecord>(table)], ([shown, hidden]) => [
      ...shown,
      ...hidden,
    ]);
    const stop = both.subscribe((rows) => {
      latest = rows;
      tell(rows.length > 0);
    });
    // Only an empty table is not told apart from one that was not read yet.
    readAll(table).then(
      (rows) => rows.length === 0 && tell(true),
      () => tell(true),
    );
    return stop;
  });
}

function joined(spec: ModuleSpec, row: Row, linked: ReadonlyMap<string, Row>): Row {
  const other = spec.linked && linked.get(String(row[spec.linked.by]));
  if (!spec.linked || !other) return row;
  return { ...row, ...Object.fromEntries(spec.linked.fields.map((f) => [f.name, other[f.name]])) };
}

/** Shown and hidden ones. */
function allOf(spec: ModuleSpec): Readable<Row[] | undefined> {
  const own = readOnce(spec.table);
  if (!spec.linked) return own;
  return derived([own, readOnce(spec.linked.table)], ([rows, others]) => {
    if (!rows || !others) return undefined;
    const byId = new Map(others.map((o) => [o.id, o]));
    return rows.map((row) => joined(spec, row, byId));
  });
}

export const moduleRows = (spec: ModuleSpec): Readable<Row[] | undefined> =>
  derived(allOf(spec), (rows) => rows?.filter((r) => !isHidden(r)));

export const binnedRows = (spec: ModuleSpec): Readable<Row[] | undefined> =>
  derived(allOf(spec), (rows) => rows?.filter(isHidden));

/** Also one in the bin. Null: there is none. */
export const moduleRow = (spec: ModuleSpec, id: string): Readable<Row | null | undefined> =>
  derived(allOf(spec), (rows) => rows && (rows.find((r) => r.id === id) ?? null));
