import { keptDecided, planStaging, type StoredProposal } from '$lib/ai/staging_plan';
import type { Iteration, Mission, StepStatus } from '$lib/model/types';
import { describe, expect, it } from 'vitest';
import { iso, iteration, missionFields, step } from './world';

const idOf = async (iterationId: string, stepId: string) => `${iterationId}/${stepId}`;

// One step per iteration, decided as told.
const decidedIteration = (n: number, status: StepStatus): Iteration => ({
  ...iteration(`i${n}`, [{ ...step(`i${n}`, 0, 'create_task', { title: 'Säen' }), status }]),
  overallStatus: status === 'planned' ? 'awaiting-review' : 'approved',
});
const proposal = (n: number, more: Partial<StoredProposal> = {}, missionId = 'm'): StoredProposal => ({
  id: `i${n}/i${n}-0`,
  createdAt: iso(n),
  decidedAt: iso(n),
  status: 'approved',
  decidedBy: 'user',
  actor: { kind: 'ai', missionId, iterationId: `i${n}`, rationale: 'weil 0' },
  missionId,
  iterationId: `i${n}`,
  stepId: `i${n}-0`,
  rationale: 'weil 0',
  summary: 'Schritt 0',
  intent: { kind: 'toolCall', toolName: 'create_task', params: { title: 'Säen' } },
  ...more,
});
const missionWith = (iterations: Iteration[], id = 'm') => missionFields(id, iterations) as Mission;
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);
const plan = (missions: Mission[], proposals: StoredProposal[]) =>
  planStaging(missions, proposals, idOf, iso(0));

describe('decided proposals', () => {
  it('are kept up to a number, the last decided ones of each mission', async () => {
    const all = numbers(keptDecided + 3);
    const missions = [missionWith(all.map((n) => decidedIteration(n, 'approved')))];
    const { drop, ...others } = await plan(missions, all.map((n) => proposal(n)).reverse());
    expect(drop.sort()).toEqual(['i0/i0-0', 'i1/i1-0', 'i2/i2-0']);
    expect(others).toEqual({ add: [], change: [], rewrite: [] });
    const rest = all.slice(3).map((n) => proposal(n));
    expect((await plan(missions, rest)).drop).toEqual([]);
  });
  it('that were dropped are not proposed again', async () => {
    const missions = [missionWith(numbers(3).map((n) => decidedIteration(n, 'approved')))];
    expect(await plan(missions, [])).toEqual({ add: [], change: [], rewrite: [], drop: [] });
  });
  it('do not count for another mission', async () => {
    const mine = numbers(keptDecided);
    const theirs = numbers(keptDecided, 1000);
    const missions = [
      missionWith(mine.map((n) => decidedIteration(n, 'approved'))),
      missionWith(
        theirs.map((n) => decidedIteration(n, 'approved')),
        'n',
      ),
    ];
    const proposals = [...mine.map((n) => proposal(n)), ...theirs.map((n) => proposal(n, {}, 'n'))];
    expect((await plan(missions, proposals)).drop).toEqual([]);
  });
  it('stay while the mission does not show the decision', async () => {
    const all = numbers(keptDecided + 2);
    const iterations = all.map((n) => decidedIteration(n, n === 0 ? 'planned' : 'approved'));
    const { drop, rewrite } = await plan(
      [missionWith(iterations)],
      all.map((n) => proposal(n)),
    );
    expect(drop).toEqual(['i1/i1-0']);
    expect(rewrite.map((r) => r.stepId)).toEqual(['i0-0']);
  });
  it('stay while they wait, however old', async () => {
    const all = numbers(keptDecided + 1, 1);
    const iterations = [decidedIteration(0, 'planned'), ...all.map((n) => decidedIteration(n, 'approved'))];
    const waiting = proposal(0, { status: 'pending', decidedAt: undefined, decidedBy: undefined });
    const { drop } = await plan([missionWith(iterations)], [waiting, ...all.map((n) => proposal(n))]);
    expect(drop).toEqual(['i1/i1-0']);
  });
  it('of a mission that is gone are dropped as well', async () => {
    const proposals = numbers(keptDecided + 1).map((n) => proposal(n, { status: 'expired' }));
    expect((await plan([], proposals)).drop).toEqual(['i0/i0-0']);
  });
});
