// Ids that two tabs or two devices compute alike, so that what both do is one thing.

/** A UUID of texts; no two lists of texts share one. */
export async function derivedId(...parts: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).slice(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x80; // version 8: the hash is none of those that RFC 9562 names
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = [...hash].map((b) => b.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const proposalIdOf = (iterationId: string, stepId: string) =>
  derivedId('mana-proposal', iterationId, stepId);

/** Of a record that a step creates. */
export const createdIdOf = (stepId: string, what: string) => derivedId('mana-step-record', stepId, what);
