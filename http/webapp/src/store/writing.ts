// Own changes: stamped, put into the outbox and onto the record, all in one transaction. A tab that is closed between
// any two lines leaves all of it or nothing.
import { isComplete, lastStamp, type Merged } from '$lib/model/merge';
import { stampAfter, stampRightBehind } from '$lib/model/stamp';
import type { Actor, Iso } from '$lib/model/types';
import { appOfTable } from '$lib/modules/registry';
import { aiEventOf, assertSealed, storedRecord, withPending } from './change';
import { db as signedIn, stored, type ChangeBody, type ManaDb, type OutboxChange } from './db';

/** A write whose encrypted fields are sealed already. */
export type Intent = { table: string; id: string; actor?: Actor } & (
  | { op: 'insert'; fields: Record<string, unknown> }
  | {
      op: 'update';
      fields: Record<string, unknown>;
      /** Only where the field still has this value; else that field is left alone. Its stamp stays right behind the last. */
      instead?: Record<string, unknown>;
    }
  | { op: 'hide' }
  | { op: 'unhide' }
  | { op: 'remove' }
);

export class NoSuchRecord extends Error {
  override readonly name = 'NoSuchRecord';
  constructor(table: string, id: string) {
    super(`${table}:${id}: there is no such record`);
  }
}

function insertBody(intent: Intent & { op: 'insert' }, state: Merged, now: Date): ChangeBody {
  const { table, id, fields } = intent;
  // One stamp for all fields of an insert: its updatedAt.
  let updatedAt = now.toISOString();
  for (const path of [...Object.keys(fields), 'createdAt', 'updatedAt', 'deletedAt'])
    updatedAt = stampAfter(new Date(updatedAt), lastStamp(state, table, path));
  return { op: 'insert', data: { createdAt: now.toISOString(), deletedAt: null, ...fields, id, updatedAt } };
}

function updateBody(
  intent: { table: string; fields: Record<string, unknown>; instead?: Record<string, unknown> },
  state: Merged,
  view: Record<string, unknown> | null,
  now: Date,
): ChangeBody | undefined {
  const { table, instead } = intent;
  const fields: Record<string, { value: unknown; updatedAt: Iso }> = {};
  for (const [path, value] of Object.entries(intent.fields)) {
    const last = lastStamp(state, table, path);
    if (instead) {
      if (view?.[path] === instead[path]) fields[path] = { value, updatedAt: stampRightBehind(last) };
    } else {
      fields[path] = { value: value ?? null, updatedAt: stampAfter(now, last) };
    }
  }
  if (Object.keys(fields).length === 0) return undefined;
  if (!instead) {
    const updatedAt = stampAfter(now, lastStamp(state, table, 'updatedAt'));
    fields.updatedAt = { value: updatedAt, updatedAt };
  }
  return { op: 'update', fields };
}

function hideBody(table: string, state: Merged, now: Date): ChangeBody {
  const after = stampAfter(now, lastStamp(state, table, 'deletedAt'));
  return { op: 'delete', deletedAt: stampAfter(new Date(after), lastStamp(state, table, 'updatedAt')) };
}

function bodyOf(
  intent: Intent,
  state: Merged,
  view: Record<string, unknown> | null,
  now: Date,
): ChangeBody | undefined {
  const { table, id } = intent;
  if (intent.op === 'insert' && !isComplete(state)) return insertBody(intent, state, now);
  if (!isComplete(state)) {
    if (intent.op === 'remove') return undefined;
    throw new NoSuchRecord(table, id);
  }
  switch (intent.op) {
    case 'insert': {
      const { id: _, createdAt: __, ...fields } = intent.fields;
      return updateBody({ table, fields: { deletedAt: null, ...fields } }, state, view, now);
    }
    case 'update':
      return updateBody(intent, state, view, now);
    case 'hide':
      return hideBody(table, state, now);
    case 'unhide':
      return updateBody({ table, fields: { deletedAt: null } }, state, view, now);
    case 'remove':
      return { op: 'delete' };
  }
}

// Of a rationale, in code points: the service takes 8 KiB.
const maxRationale = 2000;

function actorForLog(actor: Actor): Actor {
  if (actor.kind === 'system') throw new Error('system is for the services: a client acts as user or ai');
  if (actor.kind === 'user' || actor.rationale.length <= maxRationale) return actor;
  const rationale = [...actor.rationale].slice(0, maxRationale - 1).join('');
  return { ...actor, rationale: `${rationale}…` };
}

async function writeOne(db: ManaDb, intent: Intent, actor: Actor, now: Date): Promise<void> {
  const { table, id } = intent;
  const app = appOfTable[table];
  if (app === undefined) throw new Error(`${table}: the log has no such table`);
  const row = await db.records.get([table, id]);
  const pending = await db.outbox.where({ table, id }).sortBy('seq');
  const known = row?.known ?? { writes: {}, elements: {} };
  const body = bodyOf(intent, withPending(known, table, pending), row?.view ?? null, now);
  if (body === undefined) return;
  body.actor = actorForLog(actor);
  assertSealed(table, body);
  const change = { eventId: crypto.randomUUID(), app, table, id, status: 'waiting' as const, ...body };
  const seq = await db.outbox.add(change as Omit<OutboxChange, 'seq'>);
  await db.records.put(storedRecord(table, id, known, [...pending, { ...change, seq } as OutboxChange]));
  const event = aiEventOf(change.eventId, table, id, body, now.toISOString());
  if (event) await db.aiEvents.put(event);
}

/** All of them or none. Throws NoSuchRecord for an edit of what is not there. */
export async function write(
  intents: readonly Intent[],
  actor: Actor = { kind: 'user' },
  { db = signedIn, now = new Date() }: { db?: ManaDb; now?: Date } = {},
): Promise<void> {
  if (intents.length === 0) return;
  await stored(() =>
    db.transaction('rw', [db.records, db.outbox, db.aiEvents], async () => {
      for (const intent of intents) await writeOne(db, intent, intent.actor ?? actor, now);
    }),
  );
}
