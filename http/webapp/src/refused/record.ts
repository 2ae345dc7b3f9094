// The record that a refused change is about, as far as this device can show it.
import type { Mission } from '$lib/model/types';
import type { ModuleRecord, ModuleSpec } from '$lib/modules/registry';
import { live, liveOne, type Opened } from '$lib/store/records';
import { derived, type Readable } from 'svelte/store';
import { moduleShowing } from './refusal';

export type RefusedRecord =
  | { kind: 'mission'; record: Opened<Mission> }
  | { kind: 'module'; spec: ModuleSpec; record: Opened<ModuleRecord> };

const pathOf = (base: string, id: string) => `#/${base}/${encodeURIComponent(id)}`;

export function hrefOf(about: RefusedRecord): string {
  if (about.kind === 'mission') return pathOf('missions', about.record.id);
  return about.spec.singleton ? `#/${about.spec.name}` : pathOf(about.spec.name, about.record.id);
}

/** Undefined: there is none that could be opened, or it was not read yet. */
export function refusedRecord(table: string, id: string): Readable<RefusedRecord | undefined> {
  if (table === 'aiMissions')
    return derived(liveOne<Mission>(table, id), (record): RefusedRecord | undefined =>
      record && !record.deletedAt ? { kind: 'mission', record } : undefined,
    );
  const spec = moduleShowing(table);
  if (!spec) return derived([], () => undefined);
  const record: Readable<Opened<ModuleRecord> | undefined> =
    spec.table === table
      ? liveOne<ModuleRecord>(table, id)
      : derived(
          live<ModuleRecord>(spec.table, (r) => r[spec.linked!.by] === id),
          (owners) => owners[0],
        );
  return derived(
    record,
    (found): RefusedRecord | undefined => found && { kind: 'module', spec, record: found },
  );
}
