// What a query of the local database gives, again whenever any tab changes what it read.
import Dexie from 'dexie';
import { readable, type Readable } from 'svelte/store';
import { database, type ManaDb } from './db';

/** `empty` until it was read, and while nobody is signed in. */
export const liveRows = <T>(empty: T, query: (db: ManaDb) => Promise<T>): Readable<T> =>
  readable<T>(empty, (set) => {
    let stop = () => {};
    const unwatch = database.subscribe((current) => {
      stop();
      if (!current) return set(empty);
      const subscription = Dexie.liveQuery(() => query(current)).subscribe({
        next: set,
        error: () => undefined, // the database was closed: the session ended
      });
      stop = () => subscription.unsubscribe();
    });
    return () => {
      stop();
      unwatch();
    };
  });
