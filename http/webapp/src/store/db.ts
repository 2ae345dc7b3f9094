// The local database, one per user. What is sealed in the log is sealed here too.
import { ApiError } from '$lib/api/request';
import type { MasterKeys } from '$lib/crypto/keys';
import type { Merged } from '$lib/model/merge';
import type { Actor, Iso, Proposal } from '$lib/model/types';
import Dexie, { type EntityTable, type Table } from 'dexie';
import { readonly, writable, type Readable } from 'svelte/store';

export interface StoredRecord {
  table: string;
  id: string;
  /** What the log says, as far as it is known here. */
  known: Merged;
  /** The record with own pending changes on top; null: there is none (any more). */
  view: Record<string, unknown> | null;
  /** False: only edits of it are known, no insert. Not shown. */
  complete: boolean;
}

/** What a change of the log holds, besides where it goes. */
export interface ChangeBody {
  op: 'insert' | 'update' | 'delete';
  data?: Record<string, unknown>;
  fields?: Record<string, { value: unknown; updatedAt?: Iso }>;
  deletedAt?: Iso;
  actor?: Actor;
}

/** An own change that has not been seen in the log yet. Never edited; only its status moves. */
export interface OutboxChange extends ChangeBody {
  seq: number;
  /** Makes a repeated push harmless. */
  eventId: string;
  app: string;
  table: string;
  id: string;
  /** sent: the service has it, but it was not pulled yet. parked: refused; kept until somebody decides. */
  status: 'waiting' | 'sent' | 'parked';
  /** Why it was refused: the service's words, and its code. */
  error?: string;
  errorCode?: string;
}

export interface Cursor {
  app: string;
  syncedUntil: string;
  at: Iso;
}

export interface KeyRow extends MasterKeys {
  name: 'master';
  zeroKnowledge: boolean;
  hasRecovery: boolean;
  rotatedAt: Iso | null;
}

/** A change by an AI or a system actor, own or pulled. */
export interface AiEvent {
  eventId: string;
  table: string;
  id: string;
  op: ChangeBody['op'];
  fields: string[];
  actor: Exclude<Actor, { kind: 'user' }>;
  at: Iso;
  undone?: boolean;
}

export type PolicyRow = { tool: string; policy: 'auto' | 'propose' | 'deny' };
export type SettingRow = { key: string; value: unknown };

export class ManaDb extends Dexie {
  declare records: Table<StoredRecord, [table: string, id: string]>;
  declare outbox: EntityTable<OutboxChange, 'seq'>;
  declare cursors: EntityTable<Cursor, 'app'>;
  declare keys: EntityTable<KeyRow, 'name'>;
  declare aiEvents: EntityTable<AiEvent, 'eventId'>;
  declare proposals: EntityTable<Proposal, 'id'>;
  declare policies: EntityTable<PolicyRow, 'tool'>;
  declare settings: EntityTable<SettingRow, 'key'>;

  constructor(readonly userId: string) {
    super(databaseName(userId));
    this.version(1).stores({
      records: '[table+id], table',
      outbox: '++seq, &eventId, status, [table+id]',
      cursors: 'app',
      keys: 'name',
      aiEvents: 'eventId, at',
      proposals: 'id, status, missionId, iterationId, createdAt',
      policies: 'tool',
      settings: 'key',
      auditRows: 'position, missionId',
    });
    this.version(2).stores({ auditRows: null }); // the audit is read from the service, where it is complete
  }
}

const databaseName = (userId: string): string => `mana-${userId}`;

/** Of the signed-in user. Only while a session has a user: see `database`. */
export let db: ManaDb;

const opened = writable<ManaDb | undefined>(undefined);
/** Undefined while nobody is signed in. */
export const database: Readable<ManaDb | undefined> = readonly(opened);

/** Storage that fails, in words; others are given back as they are. */
export function storageError(e: unknown): unknown {
  const names = [e, (e as { inner?: unknown } | null)?.inner].map((x) => (x as Error | null)?.name);
  if (names.includes('QuotaExceededError')) return new ApiError(0, 'STORAGE_FULL');
  if (
    ['MissingAPIError', 'OpenFailedError', 'InvalidStateError', 'UnknownError'].some((n) => names.includes(n))
  )
    return new ApiError(0, 'STORAGE_UNAVAILABLE', (e as Error).message);
  return e;
}

/** Runs what writes to or reads from the database; a full or missing storage is an ApiError. */
export async function stored<T>(work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw storageError(e);
  }
}

export async function openDatabase(userId: string): Promise<ManaDb> {
  if (db?.userId === userId && db.isOpen()) return db;
  closeDatabase();
  const next = new ManaDb(userId);
  await stored(() => next.open());
  db = next;
  opened.set(next);
  return next;
}

export function closeDatabase(): void {
  db?.close();
  opened.set(undefined);
}

export async function deleteDatabase(userId: string): Promise<void> {
  if (db?.userId === userId) closeDatabase();
  await stored(() => Dexie.delete(databaseName(userId)));
}
