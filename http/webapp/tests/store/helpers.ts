import { importMasterKey, useMasterKeys } from '$lib/crypto/keys';
import { closeDatabase, deleteDatabase, openDatabase } from '$lib/store/db';
import type { Readable } from 'svelte/store';

/** A user of their own with an open session; `end` removes all of it. */
export async function aUser(
  userId: string = crypto.randomUUID(),
): Promise<{ userId: string; end(): Promise<void> }> {
  useMasterKeys(await importMasterKey(new Uint8Array(32).fill(7)));
  await openDatabase(userId);
  return {
    userId,
    async end() {
      useMasterKeys(undefined);
      closeDatabase();
      await deleteDatabase(userId);
    },
  };
}

/** The first value that the check accepts. */
export function until<T>(store: Readable<T>, accepted: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let done = false;
    stop = store.subscribe((value) => {
      if (done || !accepted(value)) return;
      done = true;
      resolve(value);
      queueMicrotask(() => stop?.());
    });
  });
}
