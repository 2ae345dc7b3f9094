import { liveQuery } from 'dexie';
import { readable, type Readable } from 'svelte/store';
import { database } from '$lib/store/db';
import type { StoredProposal } from './staging_plan';
import { moduleOfTool } from './words';

export interface Shown {
  /** A module's name; proposals whose tool works on it. */
  module?: string;
  missionId?: string;
}

const belongs = (p: StoredProposal, { module, missionId }: Shown): boolean =>
  (module === undefined || moduleOfTool(p.intent.toolName)?.name === module) &&
  (missionId === undefined || p.missionId === missionId);

const stepIndex = (p: StoredProposal) => Number(/-(\d+)$/.exec(p.stepId)?.[1] ?? 0);

/** The newest iteration first, its steps in order. */
export const inOrder = (a: StoredProposal, b: StoredProposal): number =>
  a.createdAt === b.createdAt
    ? a.iterationId === b.iterationId
      ? stepIndex(a) - stepIndex(b)
      : a.iterationId < b.iterationId
        ? -1
        : 1
    : a.createdAt > b.createdAt
      ? -1
      : 1;

/** What waits for a decision; undefined until it was read. */
export const pendingProposals = (shown: Shown): Readable<StoredProposal[] | undefined> =>
  readable<StoredProposal[] | undefined>(undefined, (set) => {
    let watching: { unsubscribe: () => void } | undefined;
    const stop = database.subscribe((current) => {
      watching?.unsubscribe();
      watching = undefined;
      if (!current) return set(undefined);
      const query = () => current.proposals.where('status').equals('pending').toArray();
      watching = liveQuery(query).subscribe({
        next: (all: StoredProposal[]) => set(all.filter((p) => belongs(p, shown)).sort(inOrder)),
        error: () => undefined, // the database was closed: the session ended
      });
    });
    return () => {
      stop();
      watching?.unsubscribe();
    };
  });
