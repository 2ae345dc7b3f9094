import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePlan, parseStructure, PlanRejected, type Plan } from '$lib/runner/plan_parser';

const vectors = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/vectors.json', import.meta.url), 'utf8'),
).parser as {
  known_tools: string[];
  cases: { name: string; text: string; ok: boolean; value?: Plan & { stepCount?: number } }[];
};

describe('the shared vectors of the parser', () => {
  const isKnown = (tool: string) => vectors.known_tools.includes(tool);
  it('are there', () => expect(vectors.cases.length).toBeGreaterThan(15));
  it.each(vectors.cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    if (!c.ok) expect(() => parseStructure(c.text, isKnown)).toThrow(PlanRejected);
    else if (c.value?.stepCount === undefined) expect(parseStructure(c.text, isKnown)).toEqual(c.value);
    else expect(parseStructure(c.text, isKnown).steps).toHaveLength(c.value.stepCount);
  });
});

const answer = (steps: unknown[]) => JSON.stringify({ summary: 's', steps });
const step = (toolName: string, params: unknown, rationale: unknown = 'r') => ({
  toolName,
  params,
  rationale,
});

describe('what a run accepts', () => {
  it('takes a step with good parameters, named after its tool where it has no summary', () =>
    expect(parsePlan(answer([step('create_task', { title: 'x', dueDate: '2028-02-29' })])).steps).toEqual([
      {
        summary: 'create_task',
        toolName: 'create_task',
        params: { title: 'x', dueDate: '2028-02-29' },
        rationale: 'r',
      },
    ]));

  it.each([
    [step('create_task', {}), 'steps[0].params.title: missing'],
    [step('create_task', { title: ' ' }), 'steps[0].params.title: empty'],
    [step('create_task', { title: 7 }), 'steps[0].params.title: not a string'],
    [step('create_task', { title: 'x', dueDate: '2027-02-29' }), 'steps[0].params.dueDate: not a date'],
    [step('create_task', { title: 'x', priority: 'urgent' }), 'steps[0].params.priority: not one of'],
    [step('create_task', { title: 'x', secret: 'y' }), 'steps[0].params: unknown parameter for create_task'],
    [step('create_task', { title: 'a\0b' }), 'steps[0].params.title: contains U+0000'],
    [step('create_task', { title: 'ä'.repeat(4001) }), 'steps[0].params.title: too long'],
    [
      step('create_event', { title: 'x', startIso: '2027-01-01' }),
      'steps[0].params.startIso: not an ISO 8601',
    ],
    [step('create_task', { title: 'x' }, '\u200b'), 'steps[0].rationale: missing or empty'],
    [step('rm_rf', {}), 'steps[0].toolName: unknown tool'],
  ])('refuses %j', (bad, reason) => expect(() => parsePlan(answer([bad]))).toThrow(reason));

  it('names the step that is wrong', () =>
    expect(() => parsePlan(answer([step('undo_drink', {}), step('undo_drink', { a: 1 })]))).toThrow(
      'steps[1].params',
    ));

  it('refuses more than 25 steps', () =>
    expect(() => parsePlan(answer(Array(26).fill(step('undo_drink', {}))))).toThrow('more than 25'));

  it('finds a block whose strings hold fences', () =>
    expect(parsePlan('{"steps":[],"summary":"```json\\n{}```"}').summary).toBe('```json\n{}```'));

  it('leaves a block of another language aside', () =>
    expect(parsePlan('```python\nprint(1)\n```\n```\n{"steps":[]}\n```').steps).toEqual([]));
});
