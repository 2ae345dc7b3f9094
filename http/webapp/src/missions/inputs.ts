// Records that a mission can read, by the titles that this browser can open.
import type { MissionInput } from '$lib/model/types';
import { moduleOfTable, modules, type ModuleRecord, type ModuleSpec } from '$lib/modules/registry';
import { live, read, type Opened } from '$lib/store/records';
import { derived, type Readable } from 'svelte/store';
import { recordIdOf } from './logic/grant';

const specs: readonly ModuleSpec[] = modules;

/** Those that the planner reads. */
export const inputModules = specs.filter(
  (m): m is ModuleSpec & { inputModule: string } => m.inputModule !== undefined,
);

export interface KnownInput extends MissionInput {
  recordId: string;
  /** Name of the module in the registry. */
  moduleName: string;
  encrypted: boolean;
  /** Empty: it has none, or it does not open. */
  title: string;
  readable: boolean;
}

const maxTitle = 120;

/** The first line that says something. */
function titleOf(record: Opened<ModuleRecord>, spec: ModuleSpec): string {
  const value = record[spec.titleField];
  const line = (typeof value === 'string' ? value : '').split('\n').find((l) => l.trim()) ?? '';
  const text = line.trim().replace(/^#+\s*/, '');
  return text.length > maxTitle ? `${[...text].slice(0, maxTitle).join('')}…` : text;
}

function known(record: Opened<ModuleRecord>, spec: ModuleSpec): KnownInput {
  return {
    module: spec.inputModule ?? spec.name,
    table: spec.table,
    id: record.id,
    recordId: recordIdOf(spec.table, record.id),
    moduleName: spec.name,
    encrypted: spec.encrypted.length > 0,
    title: titleOf(record, spec),
    readable: !record.unreadable?.length,
  };
}

/** All, the newest first, by their record ids. Empty until they were read. */
export const knownInputs: Readable<ReadonlyMap<string, KnownInput>> = derived(
  inputModules.map((m) => live<ModuleRecord>(m.table)),
  (tables) =>
    new Map(
      tables.flatMap((records, i) =>
        [...records].reverse().map((r): [string, KnownInput] => {
          const input = known(r, inputModules[i]!);
          return [input.recordId, input];
        }),
      ),
    ),
);

/** What is here of these inputs, now. */
export async function readInputs(inputs: readonly MissionInput[]): Promise<KnownInput[]> {
  const found = await Promise.all(
    inputs.map(async ({ table, id }) => {
      const spec = moduleOfTable(table);
      const record = spec && (await read<ModuleRecord>(table, id));
      return spec && record && !record.deletedAt ? known(record, spec) : undefined;
    }),
  );
  return found.filter((f) => f !== undefined);
}
