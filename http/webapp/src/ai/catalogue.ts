// The tools a plan may use: the runner's own files, so that there is one catalogue.
import catalogueFile from '../../../../messages/tool_catalogue.json';
import policyFile from '../../../../messages/tool_policy.json';

export type ParameterType = 'string' | 'date' | 'datetime' | 'enum';

export interface Parameter {
  name: string;
  type: ParameterType;
  required: boolean;
  /** German, for the prompt. */
  description: string;
  /** Of an enum. */
  values?: readonly string[];
}

export interface Tool {
  name: string;
  /** As in `inputModule` of the registry, or the module's app. */
  module: string;
  /** German, for the prompt. */
  description: string;
  parameters: readonly Parameter[];
}

/** auto: runs at once · propose: asks · deny: is refused. */
export type Policy = 'auto' | 'propose' | 'deny';
export const policyChoices: readonly Policy[] = ['propose', 'auto', 'deny'];

export interface CatalogueFile {
  tools: readonly Tool[];
}
export interface PolicyFile {
  policies: readonly { tool: string; policy: Policy }[];
}

export const catalogue = catalogueFile as CatalogueFile;
export const shippedPolicy = policyFile as PolicyFile;

export const tools: readonly Tool[] = catalogue.tools;
export const toolNamed = (name: string): Tool | undefined => tools.find((t) => t.name === name);
export const shippedPolicyOf = (tool: string): Policy =>
  shippedPolicy.policies.find((p) => p.tool === tool)?.policy ?? 'deny';

/** Where catalogue and policy disagree; empty when they do not. The runner refuses to start on the same. */
export function disagreements(
  c: CatalogueFile,
  p: PolicyFile,
): { missing: string[]; extra: string[]; twice: string[] } {
  const named = c.tools.map((t) => t.name);
  const ruled = p.policies.map((r) => r.tool);
  const twice = [...named, '', ...ruled].filter((n, i, all) => {
    const own = i < named.length ? named : ruled;
    return n !== '' && own.indexOf(n) !== own.lastIndexOf(n) && all.indexOf(n) === i;
  });
  return {
    missing: named.filter((n) => !ruled.includes(n)),
    extra: ruled.filter((n) => !named.includes(n)),
    twice,
  };
}
