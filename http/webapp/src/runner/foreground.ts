// Planning in the tab: due missions without a grant, one tab at a time, each slot under a lease of the service; and any
// mission on the user's word. What a run writes is the user's own change.
import { get, writable, type Readable } from 'svelte/store';
import { ApiError, asApiError } from '$lib/api/client';
import { config } from '$lib/api/config';
import { tr } from '$lib/i18n';
import { nextRun } from '$lib/model/cadence';
import type { Iteration, Mission } from '$lib/model/types';
import { asLeader } from '$lib/session/locks';
import { online } from '$lib/session/online';
import { live, read, readAll, update } from '$lib/store/records';
import { syncNow } from '$lib/sync/engine';
import { errorWords } from '$lib/ai/error_words';
import { runnerLock } from '$lib/ai/locks';
import { askRunHere, type RunHereAnswer } from './ask_run_here';
import { judge, type Waiting } from './backoff';
import { isDue } from './due';
import { claim, holding, type Lease } from './lease';
import { failedIteration, plannedIteration, planMission } from './plan_mission';
import { languageModel, mayUseSealed, permitSealed, sealedInputs, type LanguageModel } from './run_here';

export type RunResult =
  { ok: true; iterationId: string; steps: number } | { ok: false; code: string; message: string };

const running = writable<ReadonlySet<string>>(new Set());
/** Ids of missions that this tab plans at the moment. */
export const runningMissions: Readable<ReadonlySet<string>> = running;

const isoOf = (ms: number) => new Date(ms).toISOString();

async function freshMission(id: string): Promise<Mission> {
  const mission = await read<Mission>('aiMissions', id);
  if (!mission || mission.deletedAt) throw new ApiError(404, 'MISSION_UNKNOWN');
  return mission;
}

// -- one run ------------------------------------------------------------------------------------------------------

async function nextRunOf(mission: Mission): Promise<{ nextRunAt: string | null }> {
  const next = nextRun(mission.cadence, Date.now(), mission.timeZone || (await config()).defaultTimeZone);
  if (!next.ok) throw new ApiError(0, 'CADENCE_INVALID');
  return { nextRunAt: next.at === null ? null : isoOf(next.at) };
}

/** A slot's iteration moves the mission to its next slot; one without a slot leaves the plan as it is. */
async function write(missionId: string, iteration: Iteration, endsSlot: boolean): Promise<void> {
  const mission = await freshMission(missionId);
  const others = (mission.iterations ?? []).filter((i) => i.id !== iteration.id);
  const next = endsSlot ? await nextRunOf(mission).catch(() => ({ nextRunAt: null })) : {};
  await update('aiMissions', missionId, { iterations: [...others, iteration], ...next });
}

interface Run {
  missionId: string;
  iterationId: string;
  slot: boolean;
  sealedToo: boolean;
  signal: AbortSignal;
}

async function run({ missionId, iterationId, slot, sealedToo, signal }: Run): Promise<RunResult> {
  const mission = await freshMission(missionId);
  const known = mission.iterations?.find((i) => i.id === iterationId);
  if (known) {
    await write(missionId, known, slot);
    return { ok: true, iterationId, steps: known.plan?.length ?? 0 };
  }
  const startedAt = isoOf(Date.now());
  const plan = await planMission(mission, { sealedToo, signal });
  signal.throwIfAborted();
  await write(missionId, plannedIteration(iterationId, plan, startedAt, isoOf(Date.now())), slot);
  return { ok: true, iterationId, steps: plan.steps.length };
}

// The service must have the iteration before the lease ends, or it would plan the slot again. Where it cannot be told,
// the iteration waits with other changes, and the lease for its time.
const pushed = (keep: () => void) => syncNow().catch(keep);

const runSlot = (missionId: string, lease: Lease, sealedToo: boolean, outer: AbortSignal) =>
  holding(missionId, lease, outer, async (signal, keep) => {
    const result = await run({ missionId, iterationId: lease.iterationId, slot: true, sealedToo, signal });
    await pushed(keep);
    return result;
  });

async function endSlot(missionId: string, code: string, error: unknown, outer: AbortSignal): Promise<void> {
  const lease = await claim(missionId);
  await holding(missionId, lease, outer, async (_, keep) => {
    const summary = tr('ai.run.failedSummary', { reason: errorWords(error) });
    await write(missionId, failedIteration(lease.iterationId, summary, code, isoOf(Date.now())), true);
    await pushed(keep);
  });
}

async function marked<T>(missionId: string, work: () => Promise<T>): Promise<T> {
  running.update((all) => new Set([...all, missionId]));
  try {
    return await work();
  } finally {
    running.update((all) => new Set([...all].filter((id) => id !== missionId)));
  }
}

// -- on the user's word -------------------------------------------------------------------------------------------

type Ask = (mission: Mission, count: number, llm: LanguageModel) => Promise<RunHereAnswer>;

async function sealedAllowed(mission: Mission, ask: Ask): Promise<boolean | undefined> {
  const count = sealedInputs(mission);
  if (count === 0) return false;
  const llm = await languageModel();
  if (await mayUseSealed(mission.id, llm)) return true;
  const answer = await ask(mission, count, llm);
  if (answer === 'cancel') return undefined;
  if (answer === 'with') await permitSealed(mission.id, llm);
  return answer === 'with';
}

// Why a due slot is nobody's to plan: another plans it, or a limit or an open plan holds it.
const refusals = ['MISSION_RUNNING', 'MISSION_HELD'];

/** The due slot's lease, where there is one to have; runs on the user's word need none. */
async function leaseIfDue(mission: Mission): Promise<Lease | undefined> {
  if (!isDue(mission, Date.now())) return undefined;
  try {
    return await claim(mission.id);
  } catch (error) {
    if (refusals.includes(asApiError(error).code)) throw error;
    return undefined;
  }
}

/**
 * Plans the mission now, in this tab. Asks first where it has encrypted inputs that runs here may not use yet. Never
 * throws; `message` is for people.
 */
export async function runMissionNow(missionId: string, ask: Ask = askRunHere): Promise<RunResult> {
  if (get(running).has(missionId))
    return { ok: false, code: 'MISSION_RUNNING', message: tr('ai.run.running') };
  const { signal } = new AbortController();
  try {
    return await marked(missionId, async () => {
      const mission = await freshMission(missionId);
      const sealedToo = await sealedAllowed(mission, ask);
      if (sealedToo === undefined)
        return { ok: false, code: 'CANCELLED', message: tr('ai.run.cancelled') } satisfies RunResult;
      const lease = await leaseIfDue(mission);
      if (lease) return runSlot(missionId, lease, sealedToo, signal);
      const iterationId = crypto.randomUUID();
      const result = await run({ missionId, iterationId, slot: false, sealedToo, signal });
      void syncNow().catch(() => undefined); // the engine tells of it
      return result;
    });
  } catch (error) {
    return { ok: false, code: asApiError(error).code, message: errorWords(error) };
  }
}

// -- by itself ----------------------------------------------------------------------------------------------------

const lookEveryMs = 30_000;

async function runDue(mission: Mission, outer: AbortSignal): Promise<void> {
  const lease = await claim(mission.id);
  const sealedToo = sealedInputs(mission) > 0 && (await mayUseSealed(mission.id, await languageModel()));
  await runSlot(mission.id, lease, sealedToo, outer);
}

class Leader {
  readonly #waiting = new Map<string, Waiting>();
  #busy = false;
  #again = false;

  constructor(readonly signal: AbortSignal) {}

  /** One mission after the other; what fails waits. */
  async look(): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#again && !this.signal.aborted) {
      this.#again = false;
      try {
        await this.#round();
      } catch {
        break; // the session ended, or storage fails: the next look tries again
      }
    }
    this.#busy = false;
  }

  async #round(): Promise<void> {
    const missions = await readAll<Mission>('aiMissions');
    for (const mission of missions) {
      const now = Date.now();
      if (this.signal.aborted || !get(online)) return;
      if (!isDue(mission, now) || (this.#waiting.get(mission.id)?.until ?? 0) > now) continue;
      if (!get(running).has(mission.id)) await marked(mission.id, () => this.#plan(mission));
    }
  }

  async #plan(mission: Mission): Promise<void> {
    const { id } = mission;
    try {
      await runDue(mission, this.signal);
      this.#waiting.delete(id);
    } catch (error) {
      if (this.signal.aborted) return;
      const { code, retryAfterMs } = asApiError(error);
      const verdict = judge(code, this.#waiting.get(id), Date.now(), retryAfterMs);
      if (verdict.end === 'later') return void this.#waiting.set(id, verdict.waiting);
      this.#waiting.set(id, { attempts: 0, until: Date.now() + lookEveryMs });
      await endSlot(id, code, error, this.signal).catch(() => undefined); // tried again as any other
    }
  }
}

let stopCurrent: (() => void) | undefined;

/** Plans due missions while this tab leads, until the returned function is called. */
export function startForegroundRunner(): () => void {
  stopCurrent?.();
  const over = new AbortController();
  const stop = () => over.abort();
  stopCurrent = stop;
  void asLeader(runnerLock, over.signal, async () => {
    if (over.signal.aborted) return;
    const leader = new Leader(over.signal);
    const timer = setInterval(() => void leader.look(), lookEveryMs);
    const stops = [
      live<Mission>('aiMissions').subscribe(() => void leader.look()),
      online.subscribe(() => void leader.look()),
    ];
    await new Promise<void>((done) => over.signal.addEventListener('abort', () => done(), { once: true }));
    clearInterval(timer);
    stops.forEach((s) => s());
  });
  return stop;
}
