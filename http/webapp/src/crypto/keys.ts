// The user's master key, as CryptoKeys that no script can read. Set when the session opens, gone when it ends.
import { utf8 } from './bytes';

export interface MasterKeys {
  /** Derives the key of each record. */
  derive: CryptoKey;
  /** Opens values of `enc:1:`, which the master key itself sealed. */
  legacy: CryptoKey;
}

export async function importMasterKey(raw: Uint8Array<ArrayBuffer>): Promise<MasterKeys> {
  if (raw.length !== 32) throw new Error('a master key has 32 bytes');
  return {
    derive: await crypto.subtle.importKey('raw', raw, 'HKDF', false, ['deriveKey']),
    legacy: await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt']),
  };
}

export const deriveRecordKey = (master: CryptoKey, table: string, id: string): Promise<CryptoKey> =>
  crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: utf8(`${table}:${id}`), info: utf8('mana-record-key:v1') },
    master,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );

// -- the keys in use ------------------------------------------------------------------------------------------------

const maxCached = 2000;
let current: MasterKeys | undefined;
const recordKeys = new Map<string, Promise<CryptoKey>>();
const forgetters = new Set<() => void>();

/** Undefined: nothing can be opened or sealed any more, and what was opened is forgotten. */
export function useMasterKeys(keys: MasterKeys | undefined): void {
  current = keys;
  recordKeys.clear();
  for (const forget of forgetters) forget();
}

/** Called whenever the keys change, for caches of opened values. */
export const onKeysChanged = (forget: () => void): void => void forgetters.add(forget);

export function masterKeys(): MasterKeys {
  if (!current) throw new Error('the session is not open');
  return current;
}

export function recordKey(table: string, id: string): Promise<CryptoKey> {
  const name = `${table}:${id}`;
  const known = recordKeys.get(name);
  if (known) return known;
  const key = deriveRecordKey(masterKeys().derive, table, id);
  if (recordKeys.size >= maxCached) recordKeys.delete(recordKeys.keys().next().value!);
  recordKeys.set(name, key);
  return key;
}
