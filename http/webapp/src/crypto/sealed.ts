// Fields of records, sealed and opened with the keys of the open session.
import { utf8 } from './bytes';
import { openText, sealText } from './envelope';
import { masterKeys, recordKey } from './keys';

export { recordKey } from './keys';
export { OpenError } from './envelope';

const enc1 = 'enc:1:';
const enc2 = 'enc:2:';

/** Undefined: not sealed. */
export function sealedKind(value: unknown): 1 | 2 | undefined {
  if (typeof value !== 'string') return undefined;
  return value.startsWith(enc2) ? 2 : value.startsWith(enc1) ? 1 : undefined;
}
export const isSealed = (value: unknown): value is string => sealedKind(value) !== undefined;

// Nails a value to its field: moved to another record or field it does not open.
const aadOf = (table: string, id: string, field: string) => utf8(`${table}:${id}:${field}`);

/** As `enc:2:`. */
export const seal = async (table: string, id: string, field: string, value: unknown): Promise<string> =>
  sealText(enc2, await recordKey(table, id), value, aadOf(table, id, field));

/** `enc:2:` and the older `enc:1:`. Throws an OpenError that says why it does not open. */
export async function open(table: string, id: string, field: string, text: string): Promise<unknown> {
  if (sealedKind(text) === 1) return openText(enc1, masterKeys().legacy, text);
  return openText(enc2, await recordKey(table, id), text, aadOf(table, id, field));
}
