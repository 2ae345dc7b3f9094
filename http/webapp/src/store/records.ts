// The one door to records. They rest sealed and are opened on reading; a write seals, stamps, goes onto the record and
// into the outbox at once, and every tab sees it.
import { open, seal, sealedKind } from '$lib/crypto/sealed';
import { keyedList, merges } from '$lib/model/merge';
import type { Actor } from '$lib/model/types';
import { encryptedFieldsOf } from '$lib/modules/registry';
import Dexie from 'dexie';
import { derived, readable, type Readable } from 'svelte/store';
import { database, db, type ManaDb, type StoredRecord } from './db';
import { same } from './same';
import { opened, openedAll, type Opened } from './opening';
import { write, type Intent } from './writing';

export { NoSuchRecord } from './writing';
export type { Opened } from './opening';

type Fields = Record<string, unknown>;

// -- reading --------------------------------------------------------------------------------------------------------

const isHidden = (r: { deletedAt?: unknown }): boolean => r.deletedAt !== undefined && r.deletedAt !== null;

/** Hidden ones too. Undefined: there is none. */
export async function read<T>(table: string, id: string): Promise<Opened<T> | undefined> {
  return opened<T>(await db.records.get([table, id]));
}

const byCreation = (a: { createdAt?: string; id: string }, b: typeof a): number =>
  (a.createdAt ?? '') < (b.createdAt ?? '') || (a.createdAt === b.createdAt && a.id < b.id) ? -1 : 1;

/** Without the hidden ones. */
export async function readAll<T>(table: string): Promise<Opened<T>[]> {
  const all = await openedAll<T>(await db.records.where({ table }).toArray());
  return all.filter((r) => !isHidden(r)).sort(byCreation);
}

// What a query gives, again whenever any tab changes what it read; `then` may take its time, the newest answer counts.
function following<R, T>(
  empty: T,
  query: (db: ManaDb) => Promise<R>,
  then: (rows: R) => Promise<T>,
): Readable<T> {
  return readable(empty, (set) => {
    let run = 0;
    let stop = () => {};
    const unwatch = database.subscribe((current) => {
      run++;
      stop();
      if (current === undefined) return set(empty);
      const subscription = Dexie.liveQuery(() => query(current)).subscribe({
        next: (rows) => {
          const mine = ++run;
          void then(rows).then(
            (value) => mine === run && set(value),
            () => undefined, // the session ended meanwhile
          );
        },
        error: () => undefined, // the database was closed: the session ended
      });
      stop = () => subscription.unsubscribe();
    });
    return () => {
      run++;
      stop();
      unwatch();
    };
  });
}

const tables = new Map<string, Readable<Opened<Fields>[]>>();

// One query per table, however many lists show it.
function everything<T>(table: string): Readable<Opened<T>[]> {
  let known = tables.get(table);
  if (!known) {
    known = following<StoredRecord[], Opened<Fields>[]>(
      [],
      (current) => current.records.where({ table }).toArray(),
      async (rows) => (await openedAll<Fields>(rows)).sort(byCreation),
    );
    tables.set(table, known);
  }
  return known as Readable<Opened<T>[]>;
}

/** Without hidden ones, the oldest first; empty until they were read. */
export const live = <T>(table: string, filter?: (r: Opened<T>) => boolean): Readable<Opened<T>[]> =>
  derived(everything<T>(table), (all) => all.filter((r) => !isHidden(r) && (filter?.(r) ?? true)), []);

/** The bin. */
export const liveHidden = <T>(table: string): Readable<Opened<T>[]> =>
  derived(everything<T>(table), (all) => all.filter(isHidden), []);

/** Hidden or not; undefined: there is none, or it was not read yet. */
export const liveOne = <T>(table: string, id: string): Readable<Opened<T> | undefined> =>
  following<StoredRecord | undefined, Opened<T> | undefined>(
    undefined,
    (current) => current.records.get([table, id]),
    (row) => opened<T>(row),
  );

// -- writing --------------------------------------------------------------------------------------------------------

async function sealed(table: string, id: string, fields: Fields): Promise<Fields> {
  const encrypted = encryptedFieldsOf(table);
  const entries = Object.entries(fields).map(async ([path, value]): Promise<[string, unknown]> => [
    path,
    encrypted.includes(path) && value !== null && value !== undefined
      ? await seal(table, id, path, value)
      : value,
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

function valueAt(record: Fields, path: string): unknown {
  let at: unknown = record;
  for (const name of path.split('.')) at = (at as Fields | null | undefined)?.[name];
  return at;
}

// Of a list that merges by element id only what changed goes into the log.
function changedElements(before: unknown, after: unknown): unknown {
  if (!Array.isArray(before) || !Array.isArray(after)) return after;
  const known = new Map(before.map((e: { id?: string }) => [e.id, e]));
  const changed = after.filter((e: { id?: string }) => !same(known.get(e.id), e));
  return changed.length > 0 ? changed : undefined;
}

function changedFields(table: string, before: Opened<Fields> | undefined, fields: Fields): Fields {
  const out: Fields = {};
  for (const [path, value] of Object.entries(fields)) {
    if (!merges(path)) throw new Error(`${table}.${path}: cannot be written`);
    const was = before && valueAt(before, path);
    if (path === 'updatedAt') continue;
    if (before && same(was ?? null, value ?? null) && !before.unreadable?.includes(path)) continue;
    const changed = path === keyedList(table) ? changedElements(was, value) : (value ?? null);
    if (changed !== undefined) out[path] = changed;
  }
  return out;
}

/** The writes of one transaction: see `batch`. */
export interface Writer {
  /** The record's id: `fields.id`, or a new one. Where a record of this id exists, its fields are written and it is shown. */
  insert(table: string, fields: Fields): Promise<string>;
  /** Only what changed is written; paths may be dotted. */
  update(table: string, id: string, fields: Fields): Promise<void>;
  hide(table: string, id: string): Promise<void>;
  unhide(table: string, id: string): Promise<void>;
  /** For ever. */
  remove(table: string, id: string): Promise<void>;
  /** Writes of the same batch by somebody else. */
  as(actor: Actor): Writer;
}

function collector(into: Intent[], actor?: Actor): Writer {
  const by = actor && { actor };
  const add = async (intent: Intent) => void into.push({ ...intent, ...by });
  return {
    async insert(table, given) {
      const id = typeof given.id === 'string' ? given.id : crypto.randomUUID();
      const entries = Object.entries(given).filter(([name, v]) => name !== 'id' && v !== undefined);
      await add({ table, id, op: 'insert', fields: await sealed(table, id, Object.fromEntries(entries)) });
      return id;
    },
    async update(table, id, given) {
      // What this batch wrote before cannot be read yet.
      const unseen = into.some((i) => i.table === table && i.id === id);
      const fields = changedFields(table, unseen ? undefined : await read<Fields>(table, id), given);
      if (Object.keys(fields).length > 0)
        await add({ table, id, op: 'update', fields: await sealed(table, id, fields) });
    },
    hide: (table, id) => add({ table, id, op: 'hide' }),
    unhide: (table, id) => add({ table, id, op: 'unhide' }),
    remove: (table, id) => add({ table, id, op: 'remove' }),
    as: (other) => collector(into, other),
  };
}

/** All writes that `fn` makes through its writer, in one transaction when it is done; none when it throws. */
export async function batch<T>(fn: (writer: Writer) => Promise<T>, actor?: Actor): Promise<T> {
  const intents: Intent[] = [];
  const result = await fn(collector(intents));
  await write(intents, actor);
  return result;
}

export const insert = (table: string, fields: Fields, actor?: Actor): Promise<string> =>
  batch((w) => w.insert(table, fields), actor);
/** Throws NoSuchRecord where there is none. */
export const update = (table: string, id: string, fields: Fields, actor?: Actor): Promise<void> =>
  batch((w) => w.update(table, id, fields), actor);
export const hide = (table: string, id: string, actor?: Actor): Promise<void> =>
  batch((w) => w.hide(table, id), actor);
export const unhide = (table: string, id: string, actor?: Actor): Promise<void> =>
  batch((w) => w.unhide(table, id), actor);
export const remove = (table: string, id: string, actor?: Actor): Promise<void> =>
  batch((w) => w.remove(table, id), actor);

/**
 * Writes what is sealed as `enc:1:`, which a grant cannot share, as `enc:2:`. Says nothing new: an edit made
 * elsewhere meanwhile wins. The number of fields; throws an OpenError where one does not open.
 */
export async function resealAsEnc2(table: string, id: string): Promise<number> {
  const row = await db.records.get([table, id]);
  const instead: Fields = {};
  for (const [field, value] of Object.entries(row?.view ?? {}))
    if (encryptedFieldsOf(table).includes(field) && sealedKind(value) === 1) instead[field] = value;
  const values: Fields = {};
  for (const [field, text] of Object.entries(instead))
    values[field] = await open(table, id, field, text as string);
  if (row?.complete && Object.keys(values).length > 0)
    await write([{ table, id, op: 'update', fields: await sealed(table, id, values), instead }]);
  return Object.keys(values).length;
}
