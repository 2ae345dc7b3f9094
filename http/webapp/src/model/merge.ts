// The one merge rule of the change log (wire contract, section 1), for rows in any order and any number of times.
//
// What a history means: take the writes of all rows behind the last hard delete, order them by stamp, then by the
// position of their row, and let each replace what is at its path. Of each path only those writes are kept that can
// still win: one with a lower stamp and an earlier position than another is forgotten; one with a lower stamp but a
// later position is not, for a hard delete between the two may yet arrive.

/** Where a row stands in the log. Texts, compared as such. */
export interface Position {
  /** `created_at` with six digits; `pendingAt` for a change that the log does not have yet. */
  at: string;
  /** The row's UUID. */
  row: string;
}

export interface Write extends Position {
  /** The value. */
  v: unknown;
  /** The stamp. */
  s: string;
}

export interface Change extends Position {
  op: 'insert' | 'update' | 'delete';
  /** Insert: the record. Update: values by dotted path. Delete: `deletedAt`, or nothing for a hard one. */
  data: Record<string, unknown>;
  /** Of an update, by path. */
  stamps?: Record<string, string | undefined>;
}

/** All that is known of a record; plain data. */
export interface Merged {
  writes: Record<string, Write[]>;
  /** Of the list that merges by element id. */
  elements: Record<string, Write[]>;
  /** The last row that was no hard delete. */
  seen?: Position;
  /** The last insert. */
  inserted?: Position;
  /** The last hard delete. */
  erased?: Position;
}

/** Sorts behind every row of the log: own changes count as the latest until the log has them. */
export const pendingAt = '~';

const maxPathNames = 16;
const keyedListOf: Readonly<Record<string, string>> = { aiMissions: 'iterations' };

/** The table's list that merges by element id, if it has one. */
export const keyedList = (table: string): string | undefined => keyedListOf[table];

export const nothingKnown = (): Merged => ({ writes: {}, elements: {} });

const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);
const text = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byPosition = (a: Position, b: Position): number => compare(a.at, b.at) || compare(a.row, b.row);
const byStamp = (a: Write, b: Write): number => compare(a.s, b.s) || byPosition(a, b);
const behind = (a: Position, b: Position | undefined): boolean => b === undefined || byPosition(a, b) > 0;
const later = (a: Position, b: Position | undefined): Position =>
  behind(a, b) ? { at: a.at, row: a.row } : b!;

// -- what a row writes ----------------------------------------------------------------------------------------------

interface PathWrite {
  path: string;
  value: unknown;
  stamp: string;
}

const isHardDelete = (c: Change): boolean => c.op === 'delete' && text(c.data.deletedAt) === undefined;

export function merges(path: string): boolean {
  const names = path.split('.');
  return (
    names.length <= maxPathNames &&
    names.every((name) => name !== '' && name !== '__proto__') &&
    names[0] !== 'id' &&
    !names[0]!.startsWith('__')
  );
}

// A change that the log has not yet has stamps for all that it writes.
const rowStamp = (c: Change): string => `${c.at.slice(0, 23)}Z`;

function writesOf(c: Change): PathWrite[] {
  if (c.op === 'delete') {
    const stamp = text(c.data.deletedAt);
    return stamp === undefined
      ? []
      : ['deletedAt', 'updatedAt'].map((path) => ({ path, value: stamp, stamp }));
  }
  const fixed =
    c.op === 'insert' ? (text(c.data.updatedAt) ?? text(c.data.createdAt) ?? rowStamp(c)) : undefined;
  return Object.entries(c.data)
    .filter(([path, value]) => merges(path) && value !== undefined)
    .map(([path, value]) => ({ path, value, stamp: fixed ?? text(c.stamps?.[path]) ?? rowStamp(c) }));
}

// -- merging --------------------------------------------------------------------------------------------------------

function withWrite(known: readonly Write[] | undefined, w: Write): Write[] {
  const all = [...(known ?? []).filter((k) => k.at !== w.at || k.row !== w.row), w].sort(byStamp);
  const kept: Write[] = [];
  let furthest: Position | undefined;
  for (const one of all.reverse()) {
    if (!behind(one, furthest)) continue;
    furthest = one;
    kept.unshift(one);
  }
  return kept;
}

function alive(lists: Record<string, Write[]>, erased: Position): Record<string, Write[]> {
  const entries = Object.entries(lists).map(([path, list]): [string, Write[]] => [
    path,
    list.filter((w) => behind(w, erased)),
  ]);
  return Object.fromEntries(entries.filter(([, list]) => list.length > 0));
}

const elementId = (element: unknown): string | undefined =>
  isObject(element) && element.id !== '__proto__' ? text(element.id) : undefined;

/** A new state; what was given stays as it is. */
export function applyChange(known: Merged, table: string, c: Change): Merged {
  if (isHardDelete(c)) {
    const erased = later(c, known.erased);
    return { ...known, erased, writes: alive(known.writes, erased), elements: alive(known.elements, erased) };
  }
  const out: Merged = {
    ...known,
    writes: { ...known.writes },
    elements: { ...known.elements },
    seen: later(c, known.seen),
  };
  if (c.op === 'insert') out.inserted = later(c, known.inserted);
  if (!behind(c, known.erased)) return out;
  const list = keyedList(table);
  for (const { path, value, stamp } of writesOf(c)) {
    const write = (v: unknown): Write => ({ v, s: stamp, at: c.at, row: c.row });
    if (list === undefined || path.split('.')[0] !== list) {
      out.writes[path] = withWrite(out.writes[path], write(value));
    } else if (path === list && Array.isArray(value)) {
      out.writes[path] = withWrite(out.writes[path], write([]));
      for (const element of value) {
        const id = elementId(element);
        if (id !== undefined) out.elements[id] = withWrite(out.elements[id], write(element));
      }
    }
  }
  return out;
}

// -- reading --------------------------------------------------------------------------------------------------------

type Winner = [path: string, write: Write];

// In the order in which they apply; of one row's writes an object comes before its parts.
function winners(state: Merged): Winner[] {
  return Object.entries(state.writes)
    .map(([path, list]): Winner => [path, list[list.length - 1]!])
    .sort(([p, a], [q, b]) => byStamp(a, b) || p.length - q.length);
}

function assign(into: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop()!;
  let at = into;
  for (const name of names) {
    const child = Object.hasOwn(at, name) ? at[name] : undefined;
    // A copy: the value belongs to the state.
    const copy = isObject(child) ? { ...child } : {};
    at[name] = copy;
    at = copy;
  }
  at[last] = value;
}

function elementsOf(state: Merged): unknown[] {
  const sortKey = (e: Record<string, unknown>) => [text(e.startedAt) ?? '', text(e.id) ?? ''] as const;
  return Object.values(state.elements)
    .map((list) => list[list.length - 1]!.v as Record<string, unknown>)
    .sort((a, b) => compare(sortKey(a)[0], sortKey(b)[0]) || compare(sortKey(a)[1], sortKey(b)[1]));
}

const exists = (state: Merged): boolean => state.seen !== undefined && behind(state.seen, state.erased);

/** False: only edits of a record are known that was removed, or whose insert has not come yet. */
export const isComplete = (state: Merged): boolean =>
  exists(state) && state.inserted !== undefined && behind(state.inserted, state.erased);

/** The record; null when there is none. */
export function fieldsOf(state: Merged, table: string, id: string): Record<string, unknown> | null {
  if (!exists(state)) return null;
  const out: Record<string, unknown> = {};
  for (const [path, w] of winners(state)) assign(out, path, w.v);
  const list = keyedList(table);
  if (list !== undefined && list in state.writes) out[list] = elementsOf(state);
  out.id = id;
  return out;
}

/** Stamps by path, of the writes that still show. */
export function stampsOf(state: Merged): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [path, w] of winners(state)) {
    for (const known of Object.keys(out)) if (known.startsWith(`${path}.`)) delete out[known];
    out[path] = w.s;
  }
  return out;
}

/** The newest stamp of anything that a write to this path touches. */
export function lastStamp(state: Merged, table: string, path: string): string | undefined {
  let newest: string | undefined;
  const note = (s: string) => {
    if (newest === undefined || s > newest) newest = s;
  };
  for (const [known, list] of Object.entries(state.writes)) {
    if (known === path || known.startsWith(`${path}.`) || path.startsWith(`${known}.`))
      note(list[list.length - 1]!.s);
  }
  if (path === keyedList(table))
    for (const list of Object.values(state.elements)) note(list[list.length - 1]!.s);
  return newest;
}
