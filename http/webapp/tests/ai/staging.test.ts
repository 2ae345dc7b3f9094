import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keptDecided } from '$lib/ai/staging_plan';
import type { Iteration } from '$lib/model/types';
import { iteration, missionFields, openTab, shareLocks, step, type Tab } from './world';

// Two tabs load the app twice.
vi.setConfig({ testTimeout: 30_000 });

let user: string;
let tabs: Tab[];
const tab = async (userId = user) => {
  const one = await openTab(userId, tabs.length > 0);
  tabs.push(one);
  return one;
};
beforeEach(() => {
  shareLocks();
  user = crypto.randomUUID();
  tabs = [];
});
afterEach(() => {
  tabs.forEach((t) => t.close());
  vi.unstubAllGlobals();
});

const twoSteps = () =>
  iteration('i', [
    step('i', 0, 'create_task', { title: 'Säen' }),
    step('i', 1, 'create_place', { name: 'Beet' }),
  ]);
const withMission = async (t: Tab, iterations: Iteration[] = [twoSteps()]) =>
  void (await t.records.insert('aiMissions', missionFields('m', iterations)));

describe('staging', () => {
  it('proposes each step once, with the AI as actor', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    await t.reconcile();
    const all = await t.proposals();
    expect(all.map((p) => p.stepId).sort()).toEqual(['i-0', 'i-1']);
    expect(all[0]!.actor).toEqual({
      kind: 'ai',
      missionId: 'm',
      iterationId: 'i',
      rationale: all[0]!.rationale,
    });
  });

  it('proposes once though two tabs look at the same time, and after a restart', async () => {
    const [a, b] = [await tab(), await tab()];
    await withMission(a);
    await Promise.all([a.reconcile(), b.reconcile(), a.reconcile(), b.reconcile()]);
    expect(await a.proposals()).toHaveLength(2);
    const before = await a.proposals();
    a.close();
    b.close();
    const c = await tab();
    await c.reconcile();
    expect(await c.proposals()).toEqual(before);
  });

  it('gives a step the same id on every device', async () => {
    const [a, b] = [await tab(), await tab(crypto.randomUUID())];
    await withMission(a);
    await withMission(b);
    await Promise.all([a.reconcile(), b.reconcile()]);
    const ids = async (t: Tab) => (await t.proposals()).map((p) => p.id).sort();
    expect(await ids(a)).toEqual(await ids(b));
  });

  it('leaves alone what does not await review, and steps that are decided', async () => {
    const t = await tab();
    const done = { ...twoSteps(), id: 'x', overallStatus: 'approved' as const };
    const half = twoSteps();
    half.plan[0]!.status = 'rejected';
    await withMission(t, [done, half]);
    await t.reconcile();
    expect((await t.proposals()).map((p) => p.stepId)).toEqual(['i-1']);
  });

  it('keeps so many decided ones only', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    const [one] = await t.proposals();
    const old = Array.from({ length: keptDecided + 5 }, (_, n) => ({
      ...one!,
      id: `old-${n}`,
      iterationId: 'long ago',
      status: 'approved' as const,
      decidedAt: new Date(n).toISOString(),
    }));
    await t.db().proposals.bulkPut(old);
    await t.reconcile();
    const rest = (await t.proposals()).map((p) => p.id);
    expect(rest).toHaveLength(keptDecided + 2);
    expect(rest).not.toContain('old-4');
    expect(rest).toContain('old-5');
  });

  it('settles a proposal that was decided elsewhere', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    const there = twoSteps();
    there.plan[0]!.status = 'approved';
    there.plan[1] = { ...there.plan[1]!, status: 'rejected', userFeedback: 'lieber nicht' };
    await t.records.update('aiMissions', 'm', { iterations: [{ ...there, overallStatus: 'approved' }] });
    await t.reconcile();
    const all = (await t.proposals()).sort((a, b) => (a.stepId < b.stepId ? -1 : 1));
    expect(all).toMatchObject([
      { status: 'approved', decidedBy: 'elsewhere' },
      { status: 'rejected', decidedBy: 'elsewhere', userFeedback: 'lieber nicht' },
    ]);
    expect(await t.records.readAll('tasks')).toEqual([]);
  });

  it('expires what a deleted mission proposed, and brings it back with the mission', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    await t.records.hide('aiMissions', 'm');
    await t.reconcile();
    expect((await t.proposals()).map((p) => p.status)).toEqual(['expired', 'expired']);
    await t.records.unhide('aiMissions', 'm');
    await t.reconcile();
    expect(await t.pending()).toHaveLength(2);
    await t.records.remove('aiMissions', 'm');
    await t.reconcile();
    expect(await t.pending()).toEqual([]);
  });

  it('writes a decision again that another device overwrote, without running its tool again', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    const [first] = (await t.pending()).filter((p) => p.stepId === 'i-0');
    await t.approveProposal(first!.id);
    // The other device saw nothing of it and decides the other step: its iteration is the later one.
    const there = twoSteps();
    there.plan[1]!.status = 'rejected';
    await t.records.update('aiMissions', 'm', { iterations: [there] });
    expect((await t.step(0)).status).toBe('planned');
    await t.reconcile();
    expect((await t.iteration()).plan.map((s) => s.status)).toEqual(['approved', 'rejected']);
    expect((await t.iteration()).overallStatus).toBe('approved');
    expect(await t.records.readAll('tasks')).toHaveLength(1);
  });

  it('lets an approval, whose tool ran, win over a rejection on another device', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    const first = (await t.pending()).find((p) => p.stepId === 'i-0')!;
    await t.approveProposal(first.id);
    const there = twoSteps();
    there.plan[0]!.status = 'rejected';
    await t.records.update('aiMissions', 'm', { iterations: [there] });
    await t.reconcile();
    expect((await t.step(0)).status).toBe('approved');
  });

  it('follows an approval elsewhere where this device rejected', async () => {
    const t = await tab();
    await withMission(t);
    await t.reconcile();
    const first = (await t.pending()).find((p) => p.stepId === 'i-0')!;
    await t.rejectProposal(first.id);
    const there = twoSteps();
    there.plan[0]!.status = 'approved';
    await t.records.update('aiMissions', 'm', { iterations: [there] });
    await t.reconcile();
    expect((await t.step(0)).status).toBe('approved');
    expect(await t.db().proposals.get(first.id)).toMatchObject({
      status: 'approved',
      decidedBy: 'elsewhere',
    });
  });

  it('starts by itself when a mission changes, and says when it cannot', async () => {
    const t = await tab();
    const stop = t.startStaging();
    await withMission(t);
    await vi.waitFor(async () => expect(await t.pending()).toHaveLength(2));
    stop();
  });
});

describe('policies', () => {
  it('ask for each tool until this device is told otherwise', async () => {
    const t = await tab();
    const before = await t.readPolicies();
    expect(before('create_task')).toBe('propose');
    expect(before('format_disk')).toBe('propose');
    await t.setPolicy('create_task', 'auto');
    expect((await t.readPolicies())('create_task')).toBe('auto');
    await expect(t.setPolicy('format_disk', 'auto')).rejects.toThrow();
  });

  it('auto runs the tool at once, as an approval would', async () => {
    const t = await tab();
    await t.setPolicy('create_task', 'auto');
    await withMission(t);
    await t.reconcile();
    expect(await t.records.readAll('tasks')).toMatchObject([{ title: 'Säen' }]);
    expect(await t.proposals()).toContainEqual(
      expect.objectContaining({ stepId: 'i-0', status: 'approved', decidedBy: 'policy' }),
    );
    expect((await t.step(0)).status).toBe('approved');
    expect((await t.step(1)).status).toBe('planned');
    const change = (await t.db().outbox.toArray()).find((c) => c.table === 'tasks');
    expect(change?.actor).toMatchObject({
      kind: 'ai',
      missionId: 'm',
      iterationId: 'i',
      rationale: 'weil 0',
    });
  });

  it('auto leaves to the user what the tool cannot do, and does not try again and again', async () => {
    const t = await tab();
    await t.setPolicy('complete_task', 'auto');
    await withMission(t, [iteration('i', [step('i', 0, 'complete_task', { taskId: 'weg' })])]);
    await t.reconcile();
    await t.reconcile();
    expect(await t.pending()).toMatchObject([{ error: 'TASK_MISSING' }]);
    expect((await t.step(0)).status).toBe('planned');
  });

  it('deny rejects, with the reason for the next prompt', async () => {
    const t = await tab();
    await t.setPolicy('create_task', 'deny');
    await t.setPolicy('create_place', 'deny');
    await withMission(t);
    await t.reconcile();
    expect(await t.records.readAll('tasks')).toEqual([]);
    const i = await t.iteration();
    expect(i.overallStatus).toBe('rejected');
    expect(i.userFeedback).toContain('nicht erlaubt');
  });
});
