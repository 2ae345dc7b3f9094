// What AI and system actors changed, own or pulled.
import type { Readable } from 'svelte/store';
import { db, stored, type AiEvent } from './db';
import { liveRows } from './live';

export type { AiEvent } from './db';

/** The newest first. */
export const liveAiEvents = (): Readable<AiEvent[]> =>
  liveRows<AiEvent[]>([], (current) => current.aiEvents.orderBy('at').reverse().toArray());

/** Kept on this device only. */
export const markUndone = async (eventId: string): Promise<void> =>
  void (await stored(() => db.aiEvents.update(eventId, { undone: true })));
