// Missions, and tabs of one browser or browsers of two devices: each has its own instance of the app's modules.
import { vi } from 'vitest';
import type { Iteration, Mission, Step } from '$lib/model/types';

export const iso = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();

export const step = (
  iterationId: string,
  index: number,
  toolName: string,
  params: Record<string, unknown>,
): Step => ({
  id: `${iterationId}-${index}`,
  summary: `Schritt ${index}`,
  intent: { kind: 'toolCall', toolName, params },
  status: 'planned',
  rationale: `weil ${index}`,
});

export const iteration = (id: string, plan: Step[]): Iteration => ({
  id,
  startedAt: iso(1),
  finishedAt: iso(2),
  plan,
  summary: 'Plan',
  overallStatus: 'awaiting-review',
  source: 'server',
});

export const missionFields = (id: string, iterations: Iteration[]): Partial<Mission> => ({
  id,
  title: 'Garten',
  objective: 'o',
  conceptMarkdown: '',
  inputs: [],
  cadence: { kind: 'manual' },
  state: 'active',
  iterations,
});

// Where Node has no Web Locks: as the browser's, for all tabs of this process.
class Locks {
  readonly #queues = new Map<string, Promise<unknown>>();
  request(name: string, ...rest: unknown[]): Promise<unknown> {
    const work = rest.at(-1) as () => Promise<unknown>;
    const mine = (this.#queues.get(name) ?? Promise.resolve()).then(work, work);
    this.#queues.set(
      name,
      mine.catch(() => undefined),
    );
    return mine;
  }
}
export function shareLocks() {
  const locks = new Locks();
  vi.stubGlobal('navigator', { ...globalThis.navigator, onLine: true, languages: ['de'], locks });
}

/** `userId`: the browser's database; tabs of one browser have the same. `another`: beside one that is open. */
export async function openTab(userId: string, another: boolean) {
  if (another) vi.resetModules();
  const keys = await import('$lib/crypto/keys');
  const store = await import('$lib/store/db');
  const records = await import('$lib/store/records');
  const decisions = await import('$lib/ai/decisions');
  const staging = await import('$lib/ai/staging');
  const policy = await import('$lib/ai/policy');
  keys.useMasterKeys(await keys.importMasterKey(new Uint8Array(32).fill(7)));
  await store.openDatabase(userId);
  const mission = (id = 'm') => records.read<Mission>('aiMissions', id);
  return {
    ...decisions,
    ...staging,
    ...policy,
    records,
    db: () => store.db,
    close: () => store.closeDatabase(),
    mission,
    proposals: () => store.db.proposals.toArray(),
    pending: async () => (await store.db.proposals.toArray()).filter((p) => p.status === 'pending'),
    iteration: async (id = 'i', missionId = 'm') =>
      (await mission(missionId))!.iterations.find((i) => i.id === id)!,
    step: async (index: number, id = 'i', missionId = 'm') =>
      (await mission(missionId))!.iterations.find((i) => i.id === id)!.plan[index]!,
  };
}
export type Tab = Awaited<ReturnType<typeof openTab>>;
