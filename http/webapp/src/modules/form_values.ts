// Between a record's fields and what form controls hold (texts and check marks). Pure but for the zone.
import type { FieldSpec, ModuleSpec } from './registry';
import { fromLocalControl, toLocalControl } from './local_time';

export type ControlValue = string | boolean;
export type ControlValues = Record<string, ControlValue>;
export type Fields = Record<string, unknown>;

/** Key of `modules.invalid`, and how many characters are allowed. */
export interface Invalid {
  code: 'required' | 'number' | 'date' | 'choice' | 'tooLong' | 'endBeforeStart';
  count?: number;
}

export const maxCharacters = { text: 500, longtext: 100_000 } as const;

/** Fields a form shows: the module's own and those of its linked record, the short ones first. */
export function formFields(spec: ModuleSpec): readonly FieldSpec[] {
  const shown = [...spec.fields, ...(spec.linked?.fields ?? [])].filter((f) => !f.hidden);
  return [...shown.filter((f) => f.kind !== 'longtext'), ...shown.filter((f) => f.kind === 'longtext')];
}

export function toControl(field: FieldSpec, value: unknown): ControlValue {
  if (field.kind === 'boolean') return value === true;
  if (value === null || value === undefined) return '';
  if (field.kind === 'datetime') return toLocalControl(value);
  return typeof value === 'string' ? value : String(value);
}

export const toControls = (fields: readonly FieldSpec[], record: Readonly<Fields>): ControlValues =>
  Object.fromEntries(fields.map((f) => [f.name, toControl(f, record[f.name])]));

const isDay = (text: string) => {
  const date = new Date(`${text}T12:00:00Z`);
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
  );
};

/** What the record gets (null: nothing), or why it cannot. */
export function fromControl(
  field: FieldSpec,
  control: ControlValue,
): { value: unknown } | { invalid: Invalid } {
  if (typeof control === 'boolean') return { value: control };
  const text = field.kind === 'longtext' ? control : control.trim();
  if (text.trim() === '') return field.required ? { invalid: { code: 'required' } } : { value: null };
  switch (field.kind) {
    case 'number': {
      // People of many languages write a comma.
      const number = Number(text.replace(',', '.'));
      return Number.isFinite(number) ? { value: number } : { invalid: { code: 'number' } };
    }
    case 'date':
      return isDay(text) ? { value: text } : { invalid: { code: 'date' } };
    case 'datetime': {
      const iso = fromLocalControl(text);
      return iso === undefined ? { invalid: { code: 'date' } } : { value: iso };
    }
    case 'enum':
      return field.values?.includes(text) ? { value: text } : { invalid: { code: 'choice' } };
    case 'text':
    case 'longtext': {
      const count = maxCharacters[field.kind];
      return text.length <= count ? { value: text } : { invalid: { code: 'tooLong', count } };
    }
    default:
      return { value: text };
  }
}

/**
 * The fields to write. Controls that were not touched are left out: what the control cannot express (seconds, the
 * second of two equal hours, a value of a newer version) stays as it is, and an edit made elsewhere is kept.
 */
export function changedFields(
  fields: readonly FieldSpec[],
  initial: ControlValues,
  now: ControlValues,
  isNew: boolean,
): { values: Fields; invalid: Record<string, Invalid> } {
  const values: Fields = {};
  const invalid: Record<string, Invalid> = {};
  for (const field of fields) {
    const control = now[field.name] ?? '';
    const untouched = !isNew && control === initial[field.name];
    const result = fromControl(field, control);
    if ('invalid' in result) {
      if (!untouched || result.invalid.code === 'required') invalid[field.name] = result.invalid;
    } else if (!untouched && !(isNew && result.value === null)) values[field.name] = result.value;
  }
  const { startDate: start, endDate: end } = now;
  if (typeof start === 'string' && typeof end === 'string' && start !== '' && end !== '' && end < start)
    invalid.endDate ??= { code: 'endBeforeStart' };
  return { values, invalid };
}

/** A start that was moved takes the end along. */
export function movedEnd(before: string, start: string, end: string): string {
  const [from, to, until] = [before, start, end].map(fromLocalControl);
  if (from === undefined || to === undefined || until === undefined) return end;
  return toLocalControl(new Date(Date.parse(until) + Date.parse(to) - Date.parse(from)).toISOString());
}
