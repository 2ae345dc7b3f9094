import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '$lib/api/request';
import type { Mission } from '$lib/model/types';
import { runMissionNow, startForegroundRunner, runningMissions } from '$lib/runner/foreground';
import { judge, maxAttempts } from '$lib/runner/backoff';
import { hasLiveGrant, isDue } from '$lib/runner/due';
import { pauseBefore } from '$lib/runner/lease';
import { insert, read, update } from '$lib/store/records';
import { db } from '$lib/store/db';
import { aUser } from '../store/helpers';

const { api, syncNow } = vi.hoisted(() => ({ api: vi.fn(), syncNow: vi.fn(async () => undefined) }));
vi.mock('$lib/api/client', async (original) => ({ ...(await original<object>()), api }));
vi.mock('$lib/sync/engine', () => ({ syncNow }));
vi.mock('$lib/api/config', () => ({ config: async () => ({ defaultTimeZone: 'Europe/Berlin' }) }));

const llm = { host: 'llm.example', model: 'klein', standIn: false, maxTokens: 100 };
const answerOf = (steps: unknown[]) => JSON.stringify({ summary: 'Plan', steps });
const oneStep = answerOf([{ toolName: 'create_task', params: { title: 'Säen' }, rationale: 'Es ist März.' }]);

let user: Awaited<ReturnType<typeof aUser>>;
let calls: { method: string; path: string; body?: any }[];
let routes: Record<string, (body: any) => unknown>;

const lease = () => ({
  leaseToken: 'tok',
  slot: '2026-01-01T00:00:00.000Z',
  iterationId: 'slot-iteration',
  leasedUntil: new Date(Date.now() + 60_000).toISOString(),
});

beforeEach(async () => {
  user = await aUser();
  calls = [];
  routes = {
    'GET /api/v1/me/llm': () => llm,
    'POST /api/v1/me/llm/chat/completions': () => ({ choices: [{ message: { content: oneStep } }] }),
    'POST /api/v1/me/missions/m/foreground-run': () => lease(),
    'DELETE /api/v1/me/missions/m/foreground-run': () => null,
  };
  syncNow.mockClear();
  api.mockImplementation(async (method: string, path: string, body?: unknown) => {
    calls.push({ method, path, body });
    const route = routes[`${method} ${path.split('?')[0]}`];
    if (!route) throw new ApiError(404, 'NOT_FOUND');
    return route(body);
  });
});
afterEach(() => user.end());

const mission = (more: Partial<Mission> = {}) =>
  insert('aiMissions', {
    id: 'm',
    title: 'Garten',
    objective: 'o',
    conceptMarkdown: '',
    inputs: [],
    cadence: { kind: 'interval', everyMinutes: 60 },
    state: 'active',
    iterations: [],
    nextRunAt: '2999-01-01T00:00:00.000Z',
    ...more,
  });
const due = { nextRunAt: '2026-01-01T00:00:00.000Z' };
const stored = async () => (await read<Mission>('aiMissions', 'm'))!;
const called = (what: string) => calls.filter((c) => `${c.method} ${c.path}`.startsWith(what));
const prompts = () => called('POST /api/v1/me/llm/chat').map((c) => c.body.messages[1].content as string);
const never = async () => {
  throw new Error('must not ask');
};

describe('running a mission now', () => {
  it('writes the plan as the user, from the browser, and leaves the next run as it is', async () => {
    await mission();
    const result = await runMissionNow('m', never);
    expect(result).toMatchObject({ ok: true, steps: 1 });
    const { iterations, nextRunAt } = await stored();
    expect(iterations).toMatchObject([
      {
        source: 'browser',
        overallStatus: 'awaiting-review',
        summary: 'Plan',
        plan: [{ status: 'planned', rationale: 'Es ist März.' }],
      },
    ]);
    expect(iterations[0]!.plan[0]!.id).toBe(`${iterations[0]!.id}-0`);
    expect(nextRunAt).toBe('2999-01-01T00:00:00.000Z');
    expect((await db.outbox.toArray()).at(-1)!.actor).toEqual({ kind: 'user' });
    expect(called('POST /api/v1/me/missions')).toEqual([]);
  });

  it('takes the lease of a due slot, with its iteration, and gives it back after the push', async () => {
    await mission(due);
    let pushed = false;
    syncNow.mockImplementationOnce(async () => {
      pushed = (await stored()).iterations.length === 1;
      return undefined;
    });
    await runMissionNow('m', never);
    const { iterations, nextRunAt } = await stored();
    expect(iterations[0]!.id).toBe('slot-iteration');
    expect(Date.parse(nextRunAt!)).toBeGreaterThan(Date.now());
    expect(pushed).toBe(true);
    expect(called('DELETE')[0]!.path).toContain('leaseToken=tok');
  });

  it('keeps the lease until its time is over where the push failed', async () => {
    await mission(due);
    syncNow.mockRejectedValueOnce(new ApiError(0, 'OFFLINE'));
    expect(await runMissionNow('m', never)).toMatchObject({ ok: true });
    expect(called('DELETE')).toEqual([]);
    expect((await stored()).iterations).toHaveLength(1);
  });

  it.each([
    ['MISSION_RUNNING', 'läuft gerade schon'],
    ['MISSION_HELD', 'Entscheide zuerst über die offenen Vorschläge'],
  ])('says so when the slot is not to be had: %s', async (code, words) => {
    await mission(due);
    routes['POST /api/v1/me/missions/m/foreground-run'] = () => {
      throw new ApiError(409, code);
    };
    const result = await runMissionNow('m', never);
    expect(result).toMatchObject({ ok: false, code, message: expect.stringContaining(words) });
    expect(prompts()).toEqual([]);
  });

  it('needs no slot: one that is gone, or that the service does not know yet, is planned all the same', async () => {
    await mission(due);
    for (const code of ['NOT_DUE', 'MISSION_UNKNOWN']) {
      routes['POST /api/v1/me/missions/m/foreground-run'] = () => {
        throw new ApiError(409, code);
      };
      expect(await runMissionNow('m', never)).toMatchObject({ ok: true });
    }
    expect(prompts()).toHaveLength(2);
  });

  it('asks once more where the answer is no plan, with the reason', async () => {
    await mission();
    const answers = ['Gern!', oneStep];
    routes['POST /api/v1/me/llm/chat/completions'] = () => ({
      choices: [{ message: { content: answers.shift() } }],
    });
    expect(await runMissionNow('m', never)).toMatchObject({ ok: true });
    expect(prompts()[1]).toContain('Grund: answer: not a JSON object');
  });

  it('ends in words where the second answer is none either, and writes nothing', async () => {
    await mission();
    routes['POST /api/v1/me/llm/chat/completions'] = () => ({ choices: [{ message: { content: 'Nein.' } }] });
    const result = await runMissionNow('m', never);
    expect(result).toMatchObject({ ok: false, code: 'PLAN_REJECTED' });
    expect(!result.ok && result.message).toContain('Plan');
    expect((await stored()).iterations).toEqual([]);
    expect(get(runningMissions).size).toBe(0);
  });

  it('ends in words without a network', async () => {
    await mission();
    api.mockRejectedValue(new ApiError(0, 'OFFLINE'));
    expect(await runMissionNow('m', never)).toMatchObject({ ok: false, code: 'OFFLINE' });
  });
});

describe('encrypted inputs', () => {
  const withNote = async () => {
    await insert('notes', { id: 'n', title: 'GEHEIM', content: 'TEXT' });
    await insert('companionGoals', { id: 'g', title: 'Offenes Ziel', currentValue: 1, targetValue: 2 });
    await mission({
      inputs: [
        { module: 'notes', table: 'notes', id: 'n' },
        { module: 'goals', table: 'companionGoals', id: 'g' },
      ],
    });
  };

  it('go nowhere unless the user allows it, asked with count and language model', async () => {
    await withNote();
    const ask = vi.fn(async () => 'without' as const);
    await runMissionNow('m', ask);
    expect(ask).toHaveBeenCalledWith(expect.objectContaining({ id: 'm' }), 1, llm);
    expect(prompts()[0]).not.toMatch(/GEHEIM|TEXT/);
    expect(prompts()[0]).toContain('Offenes Ziel');
    await runMissionNow('m', ask);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it('are used once allowed, and from then on, until the language model is another', async () => {
    await withNote();
    const ask = vi.fn(async () => 'with' as const);
    await runMissionNow('m', ask);
    await runMissionNow('m', ask);
    expect(ask).toHaveBeenCalledTimes(1);
    expect(prompts()[1]).toContain('GEHEIM');
    routes['GET /api/v1/me/llm'] = () => ({ ...llm, host: 'anderswo.example' });
    await runMissionNow('m', async () => 'cancel');
    expect(prompts()).toHaveLength(2);
  });

  it('stay here when a due mission runs by itself', async () => {
    await withNote();
    await update('aiMissions', 'm', due);
    const stop = startForegroundRunner();
    await vi.waitFor(async () => expect((await stored()).iterations).toHaveLength(1));
    stop();
    expect(prompts()[0]).not.toMatch(/GEHEIM|TEXT/);
  });
});

describe('the runner of the tab', () => {
  let stop = () => {};
  afterEach(() => stop());

  it('plans a due mission once, under the lease', async () => {
    await mission(due);
    stop = startForegroundRunner();
    await vi.waitFor(() => expect(called('DELETE')).toHaveLength(1));
    expect(called('POST /api/v1/me/missions')).toHaveLength(1);
    expect((await stored()).iterations.map((i) => i.id)).toEqual(['slot-iteration']);
  });

  it('leaves to the server what has a grant', async () => {
    const grant = {
      wrappedKey: '',
      derivation: { version: 'v2', missionId: 'm', tables: [], recordIds: [] },
      issuedAt: '',
      expiresAt: '2999-01-01T00:00:00.000Z',
    };
    await mission({ ...due, grant });
    await insert('aiMissions', { ...(await stored()), id: 'm2', grant: null });
    routes['POST /api/v1/me/missions/m2/foreground-run'] = () => {
      throw new ApiError(409, 'NOT_DUE');
    };
    stop = startForegroundRunner();
    await vi.waitFor(() => expect(called('POST /api/v1/me/missions/m2')).toHaveLength(1));
    expect(called('POST /api/v1/me/missions/m/')).toEqual([]);
  });

  it('writes down a run that would fail again, and moves on', async () => {
    await mission(due);
    routes['POST /api/v1/me/llm/chat/completions'] = () => {
      throw new ApiError(502, 'LLM_REFUSED');
    };
    stop = startForegroundRunner();
    await vi.waitFor(async () => expect((await stored()).iterations).toHaveLength(1));
    const { iterations, nextRunAt } = await stored();
    expect(iterations[0]).toMatchObject({ overallStatus: 'failed', error: 'LLM_REFUSED', source: 'browser' });
    expect(iterations[0]!.summary).toContain('abgelehnt');
    expect(Date.parse(nextRunAt!)).toBeGreaterThan(Date.now());
  });
});

describe('when a failed run is tried again', () => {
  it('doubles the pause and gives up after five attempts', () => {
    let waiting: { attempts: number; until: number } | undefined;
    const pauses: number[] = [];
    for (let n = 1; n < maxAttempts; n++) {
      const verdict = judge('LLM_TIMEOUT', waiting, 0, undefined);
      if (verdict.end !== 'later') throw new Error('gave up');
      waiting = verdict.waiting;
      pauses.push(waiting.until / 60_000);
    }
    expect(pauses).toEqual([1, 2, 4, 8]);
    expect(judge('LLM_TIMEOUT', waiting, 0, undefined)).toEqual({ end: 'slot' });
  });
  it('waits as long as the service says, and does not count what is nobody’s fault', () =>
    expect(judge('TOKEN_BUDGET_SPENT', { attempts: 4, until: 0 }, 1000, 3_600_000)).toEqual({
      end: 'later',
      waiting: { attempts: 4, until: 3_601_000 },
    }));
});

describe('what is due', () => {
  const base = {
    state: 'active',
    cadence: { kind: 'interval', everyMinutes: 5 },
    nextRunAt: '2026-01-01T00:00:00.000Z',
  };
  const now = Date.parse('2026-01-02T00:00:00.000Z');
  const of = (more: object) => isDue({ ...base, ...more } as Mission, now);
  it('is active, planned, over, and not the server’s', () => {
    expect(of({})).toBe(true);
    expect(of({ state: 'paused' })).toBe(false);
    expect(of({ cadence: { kind: 'manual' } })).toBe(false);
    expect(of({ nextRunAt: null })).toBe(false);
    expect(of({ nextRunAt: '2026-01-02T00:00:00.001Z' })).toBe(false);
    expect(of({ grant: { expiresAt: '2026-01-03T00:00:00.000Z' } })).toBe(false);
    expect(of({ grant: { expiresAt: '2026-01-01T00:00:00.000Z' } })).toBe(true);
    expect(hasLiveGrant({ grant: null } as Mission, now)).toBe(false);
  });
  it('is renewed at a third of what is left', () => {
    expect(pauseBefore('2026-01-02T00:01:30.000Z', now)).toBe(30_000);
    expect(pauseBefore('irgendwann', now)).toBe(1000);
  });
});
