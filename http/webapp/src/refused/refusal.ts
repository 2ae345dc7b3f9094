// Why the service refused a change, and what can be done about it, as keys of words. Pure.
import { moduleOfTable, modules, type ModuleSpec } from '$lib/modules/registry';
import { fieldNames } from '$lib/store/change';
import type { OutboxChange } from '$lib/store/db';

/** Keys under `common.refused.reason` and `common.refused.way`. */
export const refusalKinds = ['tooLarge', 'character', 'time', 'number', 'field', 'other'] as const;
export type RefusalKind = (typeof refusalKinds)[number];

export interface Refusal {
  kind: RefusalKind;
  /** Which field is meant, where the service says so. */
  field?: string;
}

type Refused = Pick<OutboxChange, 'error' | 'errorCode'>;

// `changes[3].fields.title.value: …` (actors/change_pusher/push_request.hpp); of a path its first name.
const where = /^changes\[\d+\]\.(?:data|fields)\.([^.:\s]+)[^:\s]*: /;

// Of actors/change_pusher/change_value.cpp.
const causes: readonly [RegExp, RefusalKind][] = [
  [/U\+0000|control characters/, 'character'],
  [/must be a time/, 'time'],
  [/number out of range/, 'number'],
];

export function refusalOf({ error = '', errorCode }: Refused): Refusal {
  const field = where.exec(error)?.[1];
  const named = field === undefined ? {} : { field };
  if (errorCode === 'LIMIT_EXCEEDED' || error === 'status 413') return { kind: 'tooLarge', ...named };
  const cause = causes.find(([pattern]) => pattern.test(error))?.[1];
  // Without its field the reader would not know where to look.
  return field === undefined ? { kind: 'other' } : { kind: cause ?? 'field', field };
}

/** Keys under `common.refused.did` and `common.refused.advice`. */
export type RefusedDeed = 'insert' | 'update' | 'hide' | 'delete';

export const deedOf = ({ op, deletedAt }: Pick<OutboxChange, 'op' | 'deletedAt'>): RefusedDeed =>
  op === 'delete' && deletedAt ? 'hide' : op;

const specs: readonly ModuleSpec[] = modules;

/** The module whose pages show records of this table, also where they are only linked to its own. */
export const moduleShowing = (table: string): ModuleSpec | undefined =>
  moduleOfTable(table) ?? specs.find((m) => m.linked?.table === table);

/** What an update changed, without what every change writes. */
export function changedFields(change: OutboxChange): string[] {
  const names = fieldNames(change).map((path) => path.split('.')[0]!);
  return [...new Set(names)].filter((n) => n !== 'updatedAt' && n !== 'createdAt' && n !== 'id');
}

/** Those of a module that people know by a name. */
export function knownFields(spec: ModuleSpec, names: readonly string[]): string[] {
  const known = [...spec.fields, ...(spec.linked?.fields ?? [])].filter((f) => f.kind !== 'list');
  return names.filter((n) => known.some((f) => f.name === n && n !== 'completedAt'));
}
