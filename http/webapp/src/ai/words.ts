// A tool call as people read it: what it would do, with records by their titles.
import { liveOne } from '$lib/store/records';
import { tr, type Language, type Translate } from '$lib/i18n';
import type { ToolCall } from '$lib/model/types';
import { modules, type ModuleRecord, type ModuleSpec } from '$lib/modules/registry';
import { formatDate, formatDateTime } from '$lib/ui/format';
import { derived, readable, type Readable } from 'svelte/store';
import { toolNamed, type Parameter } from './catalogue';
import { instantOf } from './local_time';
import { isDate, isDateTime } from './params';

const specs: readonly ModuleSpec[] = modules;

export const moduleOfTool = (tool: string): ModuleSpec | undefined =>
  specs.find((m) => m.tools.includes(tool));

export const toolWords = (tool: string, t: Translate = tr): string =>
  toolNamed(tool) ? t(`ai.tool.${tool}.name`) : t('ai.tool.unknown', { name: tool });

export interface ParamWords {
  name: string;
  label: string;
  value: string;
  /** What the parameter names is gone. */
  missing?: boolean;
}

function plainValue(p: Parameter, value: string, language: Language, timeZone?: string): string {
  if (p.type === 'enum') {
    const key = `ai.value.${p.name}.${value}`;
    const words = tr(key);
    return words === key ? value : words;
  }
  if (p.type === 'date' && isDate(value)) return formatDate(value, language);
  if (p.type === 'datetime' && isDateTime(value)) return formatDateTime(instantOf(value, timeZone), language);
  return value;
}

// Parameters that name a record of the tool's module.
const namesRecord = (p: Parameter) => p.type === 'string' && /^[a-z]+Id$/.test(p.name);

function recordTitle(spec: ModuleSpec, id: string): Readable<string | undefined> {
  return derived(liveOne<ModuleRecord>(spec.table, id), (record) => {
    const title = record && !record.deletedAt ? record[spec.titleField] : undefined;
    return typeof title === 'string' ? title : undefined;
  });
}

/** Follows the records that it names. Parameters without a value are left out. */
export function paramWords(call: ToolCall, language: Language, timeZone?: string): Readable<ParamWords[]> {
  const tool = toolNamed(call.toolName);
  const spec = moduleOfTool(call.toolName);
  if (!tool) return readable([]);
  const given = tool.parameters.filter((p) => typeof call.params?.[p.name] === 'string');
  const parts = given.map((p): Readable<ParamWords> => {
    const raw = call.params[p.name] as string;
    const part = { name: p.name, label: tr(`ai.tool.${tool.name}.params.${p.name}`) };
    if (!spec || !namesRecord(p)) return readable({ ...part, value: plainValue(p, raw, language, timeZone) });
    return derived(recordTitle(spec, raw), (title) => ({
      ...part,
      value: title ?? tr('ai.value.missing'),
      missing: title === undefined,
    }));
  });
  return derived(parts, (all) => all);
}
