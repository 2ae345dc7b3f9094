// What a record and its parts are called, for people. Keys are built from the registry; tests/modules/words.test.ts
// sees that all of them exist.
import type { Language, Translate } from '$lib/i18n';
import { formatDate, formatDateTime, formatNumber } from '$lib/ui/format';
import type { FieldSpec, ModuleSpec } from './registry';

type Values = Readonly<Record<string, unknown>> & { unreadable?: readonly string[] };

export const isUnreadable = (record: Values, field: string) => record.unreadable?.includes(field) ?? false;

export const fieldLabel = (spec: ModuleSpec, field: string, translate: Translate) =>
  translate(`modules.${spec.name}.fields.${field}`);

export function enumWord(spec: ModuleSpec, field: string, value: string, translate: Translate): string {
  const key = `modules.${spec.name}.values.${field}.${value}`;
  const word = translate(key);
  return word === key ? value : word;
}

/** One line; words instead where there is no title or it cannot be read. */
export function titleOf(spec: ModuleSpec, record: Values, translate: Translate): string {
  if (spec.singleton) return translate(`modules.${spec.name}.name`);
  if (isUnreadable(record, spec.titleField)) return translate('modules.unreadable.title');
  const title = record[spec.titleField];
  if (typeof title !== 'string' || title.trim() === '') return translate('modules.untitled');
  const field = spec.fields.find((f) => f.name === spec.titleField);
  return field?.kind === 'enum' ? enumWord(spec, field.name, title, translate) : title.trim();
}

/** Of one field; undefined where there is nothing to show. */
export function valueText(
  spec: ModuleSpec,
  field: FieldSpec,
  value: unknown,
  translate: Translate,
  language: Language,
): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (field.kind === 'boolean') return translate(value === true ? 'common.yes' : 'common.no');
  if (field.kind === 'number' && typeof value === 'number') return formatNumber(value, language);
  if (field.kind === 'enum') return enumWord(spec, field.name, String(value), translate);
  if (field.kind === 'date') return formatDate(String(value), language);
  if (field.kind === 'datetime') return formatDateTime(String(value), language);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const excerptCharacters = 300;

/** The beginning of the record's long text on one line. */
export function excerptOf(spec: ModuleSpec, record: Values): string {
  const field = spec.fields.find((f) => f.kind === 'longtext');
  const text = field && !isUnreadable(record, field.name) ? record[field.name] : undefined;
  return typeof text === 'string' ? text.slice(0, excerptCharacters).replace(/\s+/g, ' ').trim() : '';
}
