// What a mission's grant lets the server read, and whether that is what the mission needs. Pure.
import type { Grant, Mission, MissionInput } from '$lib/model/types';
import { encryptedFieldsOf } from '$lib/modules/registry';

/** As many as one grant can open. */
export const maxGrantRecords = 1000;

export type GrantState =
  | { state: 'none' }
  /** `expiresAt` is missing where the record does not say: the server then takes it as expired, and so do we. */
  | { state: 'expired'; expiresAt?: number }
  | { state: 'active'; expiresAt: number };

/** What is stored may come from any client: anything but an object is no grant. */
function grantOf(mission: Pick<Mission, 'grant'>): Partial<Grant> | undefined {
  const grant: unknown = mission.grant;
  return typeof grant === 'object' && grant !== null && !Array.isArray(grant) ? grant : undefined;
}

export function grantState(mission: Pick<Mission, 'grant'>, now: number): GrantState {
  const grant = grantOf(mission);
  if (!grant) return { state: 'none' };
  const expiresAt = Date.parse(String(grant.expiresAt));
  if (Number.isNaN(expiresAt)) return { state: 'expired' };
  return { state: now < expiresAt ? 'active' : 'expired', expiresAt };
}

export const recordIdOf = (table: string, id: string): string => `${table}:${id}`;

/** Of `<table>:<id>`. */
export function refOf(recordId: string): { table: string; id: string } {
  const colon = recordId.indexOf(':');
  return { table: recordId.slice(0, colon), id: recordId.slice(colon + 1) };
}

export const isEncrypted = (input: MissionInput): boolean => encryptedFieldsOf(input.table).length > 0;

export const encryptedInputs = (inputs: readonly MissionInput[] | undefined): MissionInput[] =>
  (Array.isArray(inputs) ? inputs : []).filter(isEncrypted);

export interface Scope {
  tables: string[];
  /** `<table>:<id>` */
  recordIds: string[];
}

const sorted = (list: Iterable<string>): string[] => [...new Set(list)].sort();

export function scopeOf(inputs: readonly MissionInput[]): Scope {
  return {
    tables: sorted(inputs.map((i) => i.table)),
    recordIds: sorted(inputs.map((i) => recordIdOf(i.table, i.id))),
  };
}

const texts = (list: unknown): string[] =>
  Array.isArray(list) ? list.filter((x): x is string => typeof x === 'string') : [];

export const grantedIds = (mission: Pick<Mission, 'grant'>): string[] =>
  sorted(texts(grantOf(mission)?.derivation?.recordIds));

export interface ScopeDifference {
  /** Granted, but no input any more: the server could still read them. */
  extra: string[];
  /** Inputs that the server cannot read. */
  missing: string[];
}

/** `there`: whether a record exists here; one that was deleted since is not missed. */
export function scopeDifference(
  mission: Pick<Mission, 'grant' | 'inputs'>,
  there: (input: MissionInput) => boolean = () => true,
): ScopeDifference {
  const wanted = encryptedInputs(mission.inputs);
  const ids = new Set(wanted.map((i) => recordIdOf(i.table, i.id)));
  const granted = grantedIds(mission);
  return {
    extra: granted.filter((id) => !ids.has(id)),
    missing: scopeOf(wanted.filter(there)).recordIds.filter((id) => !granted.includes(id)),
  };
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);

/** Whether an answer of the service is a grant for exactly what was asked. */
export function isGrantFor(answer: unknown, missionId: string, asked: Scope): answer is Grant {
  const grant = grantOf({ grant: answer as Grant });
  const derivation = grant?.derivation;
  return (
    typeof grant?.wrappedKey === 'string' &&
    !Number.isNaN(Date.parse(String(grant.expiresAt))) &&
    !Number.isNaN(Date.parse(String(grant.issuedAt))) &&
    derivation?.missionId === missionId &&
    same(sorted(texts(derivation.tables)), sorted(asked.tables)) &&
    same(sorted(texts(derivation.recordIds)), sorted(asked.recordIds))
  );
}
