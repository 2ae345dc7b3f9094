import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deedOf } from '$lib/ai/deed';
import type { Step } from '$lib/model/types';
import { iteration, missionFields, openTab, shareLocks, step, type Tab } from './world';

// Two tabs load the app twice.
vi.setConfig({ testTimeout: 30_000 });

let user: string;
let tabs: Tab[];
let t: Tab;
const tab = async (userId = user) => {
  const one = await openTab(userId, tabs.length > 0);
  tabs.push(one);
  return one;
};
beforeEach(async () => {
  shareLocks();
  user = crypto.randomUUID();
  tabs = [];
  t = await tab();
});
afterEach(() => {
  tabs.forEach((one) => one.close());
  vi.unstubAllGlobals();
});

async function propose(...steps: [tool: string, params: Record<string, unknown>][]) {
  const plan: Step[] = steps.map(([tool, params], i) => step('i', i, tool, params));
  await t.records.insert('aiMissions', missionFields('m', [iteration('i', plan)]));
  await t.reconcile();
  return (await t.pending()).sort((a, b) => (a.stepId < b.stepId ? -1 : 1)).map((p) => p.id);
}
const outbox = async (table: string) => (await t.db().outbox.toArray()).filter((c) => c.table === table);

describe('an approval', () => {
  it('runs the tool as the AI, sets the step as the user, in one transaction', async () => {
    const [id] = await propose(['create_task', { title: 'Säen', dueDate: '2026-03-01', priority: 'high' }]);
    await t.approveProposal(id!);
    const [task] = await t.records.readAll<Record<string, unknown>>('tasks');
    expect(task).toMatchObject({
      title: 'Säen',
      dueDate: '2026-03-01',
      priority: 'high',
      isCompleted: false,
    });
    expect((await outbox('tasks'))[0]!.actor).toEqual({
      kind: 'ai',
      missionId: 'm',
      iterationId: 'i',
      rationale: 'weil 0',
    });
    expect((await outbox('aiMissions')).at(-1)!.actor).toEqual({ kind: 'user' });
    expect((await t.iteration()).overallStatus).toBe('approved');
    expect(await t.db().proposals.get(id!)).toMatchObject({ status: 'approved', decidedBy: 'user' });
  });

  it('keeps no text of a sealed field in the iteration but what the plan said', async () => {
    const [id] = await propose(['complete_tasks_by_title', { titleSubstring: 'geheim' }]);
    await t.records.insert('tasks', { title: 'Ganz geheimer Titel', isCompleted: false });
    await t.approveProposal(id!);
    expect(JSON.stringify(await t.mission())).not.toContain('Ganz geheimer Titel');
    expect(JSON.stringify(await t.proposals())).not.toContain('Ganz geheimer Titel');
  });

  it('happens once, on a double click and in two tabs', async () => {
    const other = await tab();
    const [id] = await propose(['visit_place', { placeId: 'p' }], ['create_task', { title: 'x' }]);
    await t.records.insert('places', { id: 'p', name: 'Kiosk', visitCount: 3 });
    const tries = await Promise.allSettled([
      t.approveProposal(id!),
      t.approveProposal(id!),
      other.approveProposal(id!),
      other.rejectProposal(id!),
    ]);
    expect(tries.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    expect(await t.records.read('places', 'p')).toMatchObject({ visitCount: 4 });
  });

  it('of two devices makes one record, with one id', async () => {
    const there = await tab(crypto.randomUUID());
    const [id] = await propose(['create_event', { title: 'Arzt', startIso: '2026-03-01T09:30:00Z' }]);
    await there.records.insert('aiMissions', missionFields('m', [await t.iteration()]));
    await there.reconcile();
    await Promise.all([t.approveProposal(id!), there.approveProposal(id!)]);
    const ids = async (one: Tab, table: string) => (await one.records.readAll(table)).map((r) => r.id);
    expect(await ids(t, 'events')).toEqual(await ids(there, 'events'));
    expect(await ids(t, 'timeBlocks')).toEqual(await ids(there, 'timeBlocks'));
  });

  it('leaves alone what another device made of the same step and was edited since', async () => {
    const [id] = await propose(['create_task', { title: 'Säen' }]);
    const { createdIdOf } = await import('$lib/ai/ids');
    await t.records.insert('tasks', { id: await createdIdOf('i-0', 'task'), title: 'Säen, aber später' });
    await t.approveProposal(id!);
    expect(await t.records.readAll('tasks')).toMatchObject([{ title: 'Säen, aber später' }]);
  });

  it('is none when the tool fails: the step waits, with the reason', async () => {
    const [id] = await propose(['complete_task', { taskId: 'weg' }]);
    await expect(t.approveProposal(id!)).rejects.toMatchObject({ code: 'TASK_MISSING' });
    expect((await t.step(0)).status).toBe('planned');
    expect(await t.pending()).toMatchObject([{ error: 'TASK_MISSING' }]);
    await t.records.insert('tasks', { id: 'weg', title: 'da' });
    await t.approveProposal(id!);
    expect((await t.step(0)).status).toBe('approved');
    expect((await t.db().proposals.get(id!))!.error).toBeUndefined();
  });

  it('is none when storage fails in the middle', async () => {
    const [id] = await propose(['create_task', { title: 'Säen' }]);
    const failing = () => {
      throw new Error('disk');
    };
    t.db().records.hook('creating', failing);
    await expect(t.approveProposal(id!)).rejects.toThrow();
    t.db().records.hook('creating').unsubscribe(failing);
    expect(await t.records.readAll('tasks')).toEqual([]);
    expect((await t.step(0)).status).toBe('planned');
    expect(await t.pending()).toHaveLength(1);
  });

  it.each([
    ['create_task', {}, 'missing'],
    ['create_task', { title: 'x', dueDate: '2026-02-30' }, 'not-a-date'],
    ['create_event', { title: 'x', startIso: 'morgen' }, 'not-a-datetime'],
    ['create_task', { title: 'x', priority: 'urgent' }, 'not-a-choice'],
    ['create_task', { title: 'x', extra: 'y' }, 'unknown'],
  ])('refuses %s with %j', async (tool, params, kind) => {
    const [id] = await propose([tool, params]);
    await expect(t.approveProposal(id!)).rejects.toMatchObject({ code: 'BAD_PARAM', problem: { kind } });
    expect(await t.records.readAll('tasks')).toEqual([]);
  });

  it('of a tool that this app does not know is refused, and left to a newer one', async () => {
    const [id] = await propose(['format_disk', {}]);
    await expect(t.approveProposal(id!)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    expect((await t.step(0)).status).toBe('planned');
  });

  it('runs nothing but what was shown, though the server planned the same slot otherwise', async () => {
    const [id] = await propose(['create_task', { title: 'gesehen' }]);
    const other = iteration('i', [step('i', 0, 'create_task', { title: 'ungesehen' })]);
    await t.records.update('aiMissions', 'm', { iterations: [other] });
    await expect(t.approveProposal(id!)).rejects.toMatchObject({ code: 'PROPOSAL_CHANGED' });
    expect(await t.records.readAll('tasks')).toEqual([]);
    await t.approveProposal(id!);
    expect(await t.records.readAll('tasks')).toMatchObject([{ title: 'ungesehen' }]);
  });

  it('of all shown goes on where one fails', async () => {
    const ids = await propose(
      ['create_task', { title: 'a' }],
      ['complete_task', { taskId: 'weg' }],
      ['create_task', { title: 'b' }],
    );
    expect(await t.approveAll(ids)).toMatchObject({ approved: 2, failed: [{ id: ids[1] }] });
    expect((await t.iteration()).overallStatus).toBe('awaiting-review');
  });

  it('finds that another device was faster', async () => {
    const [id] = await propose(['create_task', { title: 'a' }]);
    const i = await t.iteration();
    await t.records.update('aiMissions', 'm', {
      iterations: [{ ...i, plan: [{ ...i.plan[0]!, status: 'rejected' }] }],
    });
    await expect(t.approveProposal(id!)).rejects.toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await t.records.readAll('tasks')).toEqual([]);
    expect(await t.db().proposals.get(id!)).toMatchObject({ status: 'rejected', decidedBy: 'elsewhere' });
  });
});

describe('a rejection', () => {
  it('puts its feedback where the next prompt reads it', async () => {
    const [a, b] = await propose(['create_task', { title: 'a' }], ['create_task', { title: 'b' }]);
    await t.rejectProposal(a!, ' Nicht am Sonntag ');
    await t.rejectProposal(b!);
    const i = await t.iteration();
    expect(i.userFeedback).toBe('Schritt 0: Nicht am Sonntag');
    expect(i.plan[0]).toMatchObject({ status: 'rejected', userFeedback: 'Nicht am Sonntag' });
    expect(i.overallStatus).toBe('rejected');
    const { buildPrompt } = await import('$lib/runner/prompt');
    const prompt = buildPrompt((await t.mission())!, [], '2026-01-01T00:00:00.000Z', () => 'propose');
    expect(prompt.user).toContain('Rückmeldung des Nutzers: Schritt 0: Nicht am Sonntag');
  });
});

describe('undoing', () => {
  const undo = () => t.undoStep('m', 'i', 'i-0');

  it('takes back what was created', async () => {
    const [id] = await propose(['create_event', { title: 'Arzt', startIso: '2026-03-01T09:30:00' }]);
    await t.approveProposal(id!);
    await undo();
    expect(await t.records.readAll('events')).toEqual([]);
    expect(await t.records.readAll('timeBlocks')).toEqual([]);
    expect(deedOf(await t.step(0))!.undoneAt).toBeTruthy();
    await expect(undo()).rejects.toMatchObject({ code: 'ALREADY_UNDONE' });
  });

  it('is refused once the record was edited or removed', async () => {
    const [id] = await propose(['create_task', { title: 'Säen' }]);
    await t.approveProposal(id!);
    const [task] = await t.records.readAll('tasks');
    await t.records.update('tasks', task!.id, { title: 'Säen und gießen' });
    await expect(undo()).rejects.toMatchObject({ code: 'CHANGED_SINCE' });
    await t.records.update('tasks', task!.id, { title: 'Säen', description: 'dazu' });
    await expect(undo()).rejects.toMatchObject({ code: 'CHANGED_SINCE' });
    await t.records.hide('tasks', task!.id);
    await expect(undo()).rejects.toMatchObject({ code: 'REMOVED_SINCE' });
  });

  it('opens completed tasks again, all or none', async () => {
    const [id] = await propose(['complete_tasks_by_title', { titleSubstring: 'gieß' }]);
    for (const n of [1, 2]) await t.records.insert('tasks', { id: `t${n}`, title: `Gießen ${n}` });
    await t.records.insert('tasks', { id: 't3', title: 'Umgraben' });
    await t.approveProposal(id!);
    const done = async () =>
      (await t.records.readAll<{ isCompleted?: boolean }>('tasks')).map((r) => r.isCompleted === true);
    expect((await done()).filter(Boolean)).toHaveLength(2);
    await t.records.update('tasks', 't2', { isCompleted: false, completedAt: null });
    await expect(undo()).rejects.toMatchObject({ code: 'CHANGED_SINCE' });
    expect(await t.records.read('tasks', 't1')).toMatchObject({ isCompleted: true });
    const deed = deedOf(await t.step(0))!;
    const change = deed.changes.find((c) => c.id === 't2');
    await t.records.update('tasks', 't2', change?.op === 'update' ? change.after : {});
    await undo();
    expect((await done()).filter(Boolean)).toHaveLength(0);
  });

  it('counts a visit back', async () => {
    const [id] = await propose(['visit_place', { placeId: 'p' }]);
    await t.records.insert('places', { id: 'p', name: 'Kiosk', visitCount: 3 });
    await t.approveProposal(id!);
    await undo();
    expect(await t.records.read('places', 'p')).toMatchObject({ visitCount: 3, lastVisitedAt: null });
  });

  it('brings a drink back, the latest of them', async () => {
    const [id] = await propose(['undo_drink', {}]);
    await t.records.insert('drinks', {
      id: 'd1',
      kind: 'tea',
      milliliters: 200,
      drunkAt: '2026-01-02T00:00:00.000Z',
    });
    await t.records.insert('drinks', {
      id: 'd2',
      kind: 'tea',
      milliliters: 200,
      drunkAt: '2026-01-01T00:00:00.000Z',
    });
    await t.approveProposal(id!);
    expect((await t.records.readAll('drinks')).map((d) => d.id)).toEqual(['d2']);
    await undo();
    expect((await t.records.readAll('drinks')).map((d) => d.id).sort()).toEqual(['d1', 'd2']);
  });

  it('works on another device, from what the step says', async () => {
    const [id] = await propose(['create_place', { name: 'Beet' }]);
    await t.approveProposal(id!);
    const there = await tab(crypto.randomUUID());
    await there.records.insert('aiMissions', missionFields('m', [await t.iteration()]));
    const [place] = await t.records.readAll<Record<string, unknown>>('places');
    await there.records.insert('places', { id: place!.id, name: 'Beet', visitCount: 0 });
    await there.undoStep('m', 'i', 'i-0');
    expect(await there.records.readAll('places')).toEqual([]);
  });
});

describe('what two devices approve at once', () => {
  it('takes back one drink only, and counts one visit', async () => {
    const [drink, visit] = await propose(['undo_drink', {}], ['visit_place', { placeId: 'p' }]);
    for (const n of [1, 2])
      await t.records.insert('drinks', {
        id: `d${n}`,
        kind: 'tea',
        milliliters: 1,
        drunkAt: `2026-01-0${n}T00:00:00.000Z`,
      });
    await t.records.insert('places', { id: 'p', name: 'Kiosk', visitCount: 0 });
    // The other device's records came already, its decision did not.
    await t.records.update('drinks', 'd2', { undoneByStepId: 'i-0' });
    await t.records.hide('drinks', 'd2');
    await t.records.update('places', 'p', { visitCount: 1, lastVisitStepId: 'i-1' });
    await t.approveProposal(drink!);
    await t.approveProposal(visit!);
    expect((await t.records.readAll('drinks')).map((d) => d.id)).toEqual(['d1']);
    expect(await t.records.read('places', 'p')).toMatchObject({ visitCount: 1 });
  });
});
