// Between the log's changes, the outbox, and what merges.
import { isSealed } from '$lib/crypto/sealed';
import { applyChange, fieldsOf, isComplete, pendingAt, type Change, type Merged } from '$lib/model/merge';
import type { Iso } from '$lib/model/types';
import { encryptedFieldsOf } from '$lib/modules/registry';
import type { AiEvent, ChangeBody, OutboxChange, StoredRecord } from './db';

/** A row of the log, as push and pull give it. */
export interface ServerChange extends ChangeBody {
  /** The row's id. */
  eventId: string;
  table: string;
  id: string;
  createdAt: string;
}

function changeOf(body: ChangeBody, at: string, row: string): Change {
  if (body.op === 'insert') return { at, row, op: 'insert', data: body.data ?? {} };
  if (body.op === 'delete')
    return { at, row, op: 'delete', data: body.deletedAt ? { deletedAt: body.deletedAt } : {} };
  const fields = Object.entries(body.fields ?? {});
  return {
    at,
    row,
    op: 'update',
    data: Object.fromEntries(fields.map(([path, { value }]) => [path, value])),
    stamps: Object.fromEntries(fields.map(([path, { updatedAt }]) => [path, updatedAt])),
  };
}

export const changeOfServer = (c: ServerChange): Change => changeOf(c, c.createdAt, c.eventId);

const digits = 16;
/** In the order in which they were made. */
export const changeOfOutbox = (c: OutboxChange): Change =>
  changeOf(c, pendingAt, String(c.seq).padStart(digits, '0'));

/** What is known, with own pending changes on top. */
export const withPending = (known: Merged, table: string, pending: readonly OutboxChange[]): Merged =>
  pending.reduce((state, c) => applyChange(state, table, changeOfOutbox(c)), known);

export function storedRecord(
  table: string,
  id: string,
  known: Merged,
  pending: readonly OutboxChange[],
): StoredRecord {
  const all = withPending(known, table, pending);
  return { table, id, known, view: fieldsOf(all, table, id), complete: isComplete(all) };
}

/** Names of the fields that a change writes. */
export function fieldNames(body: ChangeBody): string[] {
  if (body.op === 'delete') return body.deletedAt ? ['deletedAt'] : [];
  return Object.keys((body.op === 'insert' ? body.data : body.fields) ?? {});
}

/** Undefined: it is the user's own. */
export function aiEventOf(
  eventId: string,
  table: string,
  id: string,
  body: ChangeBody,
  at: Iso,
): AiEvent | undefined {
  const { actor, op } = body;
  if (actor === undefined || actor === null || (actor.kind !== 'ai' && actor.kind !== 'system'))
    return undefined;
  return { eventId, table, id, op, fields: fieldNames(body), actor, at };
}

/** Throws where a field that is to be sealed is not: nothing unsealed may be stored or sent. */
export function assertSealed(table: string, body: ChangeBody): void {
  const encrypted = encryptedFieldsOf(table);
  const values =
    body.op === 'insert'
      ? Object.entries(body.data ?? {})
      : Object.entries(body.fields ?? {}).map(([path, f]): [string, unknown] => [path, f.value]);
  for (const [path, value] of values) {
    const field = path.split('.')[0]!;
    if (!encrypted.includes(field)) continue;
    if (path !== field) throw new Error(`${table}.${path}: a part of a sealed field cannot be written`);
    if (value !== null && value !== undefined && !isSealed(value))
      throw new Error(`${table}.${path}: is not sealed`);
  }
}
