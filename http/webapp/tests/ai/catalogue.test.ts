import { describe, expect, it } from 'vitest';
import { catalogue, disagreements, shippedPolicy, shippedPolicyOf, tools } from '$lib/ai/catalogue';
import { executors } from '$lib/ai/executors';
import de from '$lib/i18n/de';
import { modules, type ModuleSpec } from '$lib/modules/registry';

const words = de.ai.tool as unknown as Record<string, { name: string; params?: Record<string, string> }>;
const specs: readonly ModuleSpec[] = modules;

// The files are those that the runner is built with: what fails here would be a tool that the server proposes and the
// browser cannot run, or cannot put into words.
describe('the tool catalogue', () => {
  it('agrees with the policy', () =>
    expect(disagreements(catalogue, shippedPolicy)).toEqual({ missing: [], extra: [], twice: [] }));
  it('has an executor for each tool, and no other', () =>
    expect(Object.keys(executors).sort()).toEqual(tools.map((t) => t.name).sort()));
  it.each(tools.map((t) => [t.name, t] as const))('knows where %s works and how to say it', (name, tool) => {
    const spec = specs.find((m) => m.tools.includes(name));
    expect(spec).toBeDefined();
    expect([spec?.inputModule, spec?.app, spec?.name]).toContain(tool.module);
    expect(words[name]?.name).toBeTruthy();
    for (const p of tool.parameters) expect(words[name]?.params?.[p.name], p.name).toBeTruthy();
  });
  it('has no tool of the registry that it does not know', () =>
    expect(specs.flatMap((m) => [...m.tools]).sort()).toEqual(tools.map((t) => t.name).sort()));
  it('proposes all seven', () =>
    expect(tools.map((t) => shippedPolicyOf(t.name))).toEqual(Array(7).fill('propose')));
});

describe('a policy that does not fit the catalogue', () => {
  const tool = (name: string) => ({ name, module: 'todo', description: 'd', parameters: [] });
  it('is told apart by name', () =>
    expect(
      disagreements(
        { tools: [tool('a'), tool('b'), tool('b')] },
        {
          policies: [
            { tool: 'a', policy: 'auto' },
            { tool: 'c', policy: 'deny' },
          ],
        },
      ),
    ).toEqual({ missing: ['b', 'b'], extra: ['c'], twice: ['b'] }));
});
