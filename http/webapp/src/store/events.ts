// What AI and system actors changed, own or pulled.
import Dexie from 'dexie';
import { readable, type Readable } from 'svelte/store';
import { database, db, stored, type AiEvent } from './db';

export type { AiEvent } from './db';

/** The newest first. */
export const liveAiEvents = (): Readable<AiEvent[]> =>
  readable<AiEvent[]>([], (set) => {
    let stop = () => {};
    const unwatch = database.subscribe((current) => {
      stop();
      if (!current) return set([]);
      const query = Dexie.liveQuery(() => current.aiEvents.orderBy('at').reverse().toArray());
      const subscription = query.subscribe({ next: set, error: () => undefined });
      stop = () => subscription.unsubscribe();
    });
    return () => {
      stop();
      unwatch();
    };
  });

/** Kept on this device only. */
export const markUndone = async (eventId: string): Promise<void> =>
  void (await stored(() => db.aiEvents.update(eventId, { undone: true })));
