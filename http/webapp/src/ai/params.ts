// Parameters of a tool call against the catalogue: what the runner's parser checks, checked again before a tool runs.
import type { Parameter, Tool } from './catalogue';
import { codePoints, isBlank } from './text';

export const maxParamLength = 4000; // code points

export type ParamProblemKind =
  | 'not-an-object'
  | 'unknown'
  | 'missing'
  | 'not-text'
  | 'has-nul'
  | 'too-long'
  | 'empty'
  | 'not-a-date'
  | 'not-a-datetime'
  | 'not-a-choice';

export interface ParamProblem {
  kind: ParamProblemKind;
  /** Absent: the parameters as a whole. */
  param?: string;
}

const daysIn = (year: number, month: number): number => {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
};

export function isDate(text: string): boolean {
  const m = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!m) return false;
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])];
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

const clock = '([01]\\d|2[0-3]):[0-5]\\d';
const dateTimeForm = new RegExp(
  `^(\\d{4}-\\d{2}-\\d{2})T${clock}(:[0-5]\\d(\\.\\d{1,9})?)?(Z|[+-]${clock})?$`,
);

/** ISO 8601 date and time; without an offset it is local time. */
export function isDateTime(text: string): boolean {
  const m = dateTimeForm.exec(text);
  return m !== null && isDate(m[1]!);
}

function problemOf(p: Parameter, value: unknown): ParamProblemKind | undefined {
  if (value === undefined) return p.required ? 'missing' : undefined;
  if (typeof value !== 'string') return 'not-text';
  if (value.includes('\0')) return 'has-nul';
  if (value.length > maxParamLength && codePoints(value) > maxParamLength) return 'too-long';
  if (p.required && isBlank(value)) return 'empty';
  if (p.type === 'date' && !isDate(value)) return 'not-a-date';
  if (p.type === 'datetime' && !isDateTime(value)) return 'not-a-datetime';
  if (p.type === 'enum' && !p.values?.includes(value)) return 'not-a-choice';
  return undefined;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first thing wrong; undefined: nothing. */
export function checkParams(tool: Tool, params: unknown): ParamProblem | undefined {
  if (!isPlainObject(params)) return { kind: 'not-an-object' };
  for (const name of Object.keys(params))
    if (!tool.parameters.some((p) => p.name === name)) return { kind: 'unknown' };
  for (const p of tool.parameters) {
    const kind = problemOf(p, Object.hasOwn(params, p.name) ? params[p.name] : undefined);
    if (kind) return { kind, param: p.name };
  }
  return undefined;
}
