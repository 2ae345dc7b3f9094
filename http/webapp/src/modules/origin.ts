// What the AI did to records, by record.
import { liveAiEvents, type AiEvent } from '$lib/store/events';
import { derived, type Readable } from 'svelte/store';

/** `<table>:<id>` of records that the AI created, as long as that was not undone. */
export const byAi: Readable<ReadonlySet<string>> = derived(
  liveAiEvents(),
  (events) =>
    new Set(
      events
        .filter((e) => e.op === 'insert' && e.actor.kind === 'ai' && !e.undone)
        .map((e) => `${e.table}:${e.id}`),
    ),
);

/** Newest first. */
export const aiEventsOf = (table: string, id: string): Readable<AiEvent[]> =>
  derived(liveAiEvents(), (events) =>
    events.filter((e) => e.table === table && e.id === id && e.actor.kind === 'ai' && !e.undone),
  );
