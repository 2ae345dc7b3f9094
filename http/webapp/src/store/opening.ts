// Records as people read them: sealed fields opened, and what was opened kept for the next time.
import { onKeysChanged } from '$lib/crypto/keys';
import { isSealed, open } from '$lib/crypto/sealed';
import type { RecordBase } from '$lib/model/types';
import type { StoredRecord } from './db';

/** `unreadable`: names of sealed fields that do not open; their values are null. */
export type Opened<T> = T & RecordBase & { unreadable?: string[] };

interface Kept {
  text: string;
  value: Promise<unknown>;
}

const maxKept = 20_000;
const kept = new Map<string, Kept>();
onKeysChanged(() => kept.clear());

function openField(table: string, id: string, field: string, text: string): Promise<unknown> {
  const name = `${table}:${id}:${field}`;
  const known = kept.get(name);
  if (known?.text === text) return known.value;
  const value = open(table, id, field, text);
  // Whoever asked hears of the failure.
  value.catch(() => undefined);
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value!);
  kept.set(name, { text, value });
  return value;
}

const clone = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? structuredClone(value) : value;

/** A copy that the caller may change. Undefined: there is no such record. */
export async function opened<T>(row: StoredRecord | undefined): Promise<Opened<T> | undefined> {
  if (!row?.view || !row.complete) return undefined;
  const out: Record<string, unknown> = {};
  const unreadable: string[] = [];
  for (const [field, value] of Object.entries(row.view)) {
    if (!isSealed(value)) {
      out[field] = clone(value);
      continue;
    }
    try {
      out[field] = clone(await openField(row.table, row.id, field, value));
    } catch {
      out[field] = null;
      unreadable.push(field);
    }
  }
  if (unreadable.length > 0) out.unreadable = unreadable;
  return out as Opened<T>;
}

export async function openedAll<T>(rows: readonly StoredRecord[]): Promise<Opened<T>[]> {
  const all = await Promise.all(rows.map((row) => opened<T>(row)));
  return all.filter((r) => r !== undefined);
}
