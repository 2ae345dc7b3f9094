import { describe, expect, it } from 'vitest';
import type { DoneStep } from '$lib/ai/deed';
import type { Iteration, Mission } from '$lib/model/types';
import type { AiEvent } from '$lib/store/events';
import { timelineOf } from '$lib/workbench/timeline';

const at = (n: number) => `2026-01-0${n}T00:00:00.000Z`;
const step = (id: string, more: Partial<DoneStep> = {}): DoneStep => ({
  id,
  summary: id,
  intent: { kind: 'toolCall', toolName: 'create_task', params: {} },
  status: 'approved',
  rationale: `weil ${id}`,
  ...more,
});
const iteration = (id: string, n: number, plan: DoneStep[]): Iteration => ({
  id,
  startedAt: at(n),
  finishedAt: at(n),
  plan,
  overallStatus: 'approved',
  source: 'server',
});
const mission = (id: string, iterations: Iteration[]) =>
  ({ id, title: id, iterations }) as unknown as Mission;
const event = (iterationId: string, rationale: string, id: string, n = 1): AiEvent => ({
  eventId: `${iterationId}${id}`,
  table: 'tasks',
  id,
  op: 'insert',
  fields: [],
  actor: { kind: 'ai', missionId: 'm', iterationId, rationale },
  at: at(n),
});

describe('the timeline', () => {
  it('has the newest iteration of any mission first', () => {
    const all = timelineOf(
      [
        mission('a', [iteration('i1', 1, []), iteration('i3', 3, [])]),
        mission('b', [iteration('i2', 2, [])]),
      ],
      [],
    );
    expect(all.map((e) => e.iterationId)).toEqual(['i3', 'i2', 'i1']);
  });

  it('gives a step the records of its deed, once, though the log tells of them too', () => {
    const deed = { at: at(1), changes: [{ op: 'insert' as const, table: 'tasks', id: 't1' }] };
    const [entry] = timelineOf(
      [mission('m', [iteration('i', 1, [step('s', { deed })])])],
      [event('i', 'weil s', 't1')],
    );
    expect(entry!.steps[0]!.touched).toEqual([{ table: 'tasks', id: 't1', op: 'insert' }]);
    expect(entry!.loose).toEqual([]);
  });

  it('finds the step of another app, that left no deed, by its rationale', () => {
    const [entry] = timelineOf(
      [mission('m', [iteration('i', 1, [step('s')])])],
      [event('i', 'weil s', 't1')],
    );
    expect(entry!.steps[0]!.touched).toEqual([{ table: 'tasks', id: 't1', op: 'insert' }]);
  });

  it('keeps what no step tells of, also of missions that are gone', () => {
    const all = timelineOf([], [event('weg', 'darum', 't1'), event('weg', 'darum', 't2')]);
    expect(all).toMatchObject([
      {
        missionId: 'm',
        iterationId: 'weg',
        loose: [{ rationale: 'darum', touched: [{ id: 't1' }, { id: 't2' }] }],
      },
    ]);
    expect(all[0]!.mission).toBeUndefined();
  });

  it('leaves out what the system did', () => {
    const written: AiEvent = { ...event('i', '', 'm'), actor: { kind: 'system', source: 'mission-runner' } };
    expect(timelineOf([], [written])).toEqual([]);
  });
});
