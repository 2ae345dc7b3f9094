// What a tool may do without asking: the catalogue's word, unless this device was told otherwise. Kept per device: a
// shared computer may ask where the own phone does not.
import { liveQuery } from 'dexie';
import { readable, type Readable } from 'svelte/store';
import { database, db } from '$lib/store/db';
import { policyChoices, shippedPolicyOf, toolNamed, type Policy } from './catalogue';

export type PolicyOf = (tool: string) => Policy;

function policiesFrom(rows: readonly { tool: string; policy: Policy }[]): PolicyOf {
  const own = new Map(rows.map((r) => [r.tool, r.policy]));
  return (tool) => {
    // Of a newer version of the app, perhaps: whoever decides sees that this one cannot run it.
    if (!toolNamed(tool)) return 'propose';
    const chosen = own.get(tool);
    return chosen && policyChoices.includes(chosen) ? chosen : shippedPolicyOf(tool);
  };
}

export const readPolicies = async (): Promise<PolicyOf> => policiesFrom(await db.policies.toArray());

export async function setPolicy(tool: string, policy: Policy): Promise<void> {
  if (!toolNamed(tool)) throw new Error(`no such tool: ${tool}`);
  await db.policies.put({ tool, policy });
}

export const livePolicies: Readable<PolicyOf> = readable(policiesFrom([]), (set) => {
  let watching: { unsubscribe: () => void } | undefined;
  const stop = database.subscribe((current) => {
    watching?.unsubscribe();
    watching = current
      ? liveQuery(() => current.policies.toArray()).subscribe((rows) => set(policiesFrom(rows)))
      : undefined;
  });
  return () => {
    stop();
    watching?.unsubscribe();
  };
});
