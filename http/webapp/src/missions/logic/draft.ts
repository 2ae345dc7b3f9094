// A mission as it is being written in the form, and what is wrong with it by field. Pure.
import { minIntervalMinutes, nextRun, type CadenceField, type CadenceProblem } from '$lib/model/cadence';
import type { Cadence, Mission, MissionInput } from '$lib/model/types';

export const maxTitle = 200;
/** What the planner reads of it; more would be cut without a word. */
export const maxObjective = 2000;
export const maxConcept = 4000;
/** The runner reads no more. */
export const maxInputs = 200;

export type CadenceKind = Cadence['kind'];
export const cadenceKinds: readonly CadenceKind[] = ['manual', 'interval', 'daily', 'weekly', 'cron'];

export const intervalUnits = { minutes: 1, hours: 60, days: 24 * 60 } as const;
export type IntervalUnit = keyof typeof intervalUnits;

/** The fields of every kind side by side: to choose another kind loses nothing. */
export interface CadenceDraft {
  kind: CadenceKind;
  every: number | null;
  unit: IntervalUnit;
  /** `HH:MM` */
  time: string;
  dayOfWeek: number;
  expression: string;
}

export interface MissionDraft {
  title: string;
  objective: string;
  conceptMarkdown: string;
  inputs: MissionInput[];
  cadence: CadenceDraft;
  timeZone: string;
}

const two = (n: number): string => String(n).padStart(2, '0');

export function cadenceDraft(cadence: Cadence): CadenceDraft {
  const draft: CadenceDraft = {
    kind: cadence.kind,
    every: 1,
    unit: 'hours',
    time: '09:00',
    dayOfWeek: 1,
    expression: '0 9 * * mon-fri',
  };
  if (cadence.kind === 'interval') {
    const units = Object.entries(intervalUnits) as [IntervalUnit, number][];
    // The longest unit that divides it.
    const [unit, size] = units.reverse().find(([, n]) => cadence.everyMinutes % n === 0) ?? ['minutes', 1];
    return { ...draft, unit, every: cadence.everyMinutes / size };
  }
  if (cadence.kind === 'daily') return { ...draft, time: `${two(cadence.atHour)}:${two(cadence.atMinute)}` };
  if (cadence.kind === 'weekly') {
    const { dayOfWeek, atHour, atMinute = 0 } = cadence;
    return { ...draft, dayOfWeek, time: `${two(atHour)}:${two(atMinute)}` };
  }
  return cadence.kind === 'cron' ? { ...draft, expression: cadence.expression } : draft;
}

export function cadenceOf(draft: CadenceDraft): Cadence {
  const clock = /^(\d{1,2}):(\d{2})/.exec(draft.time);
  const atHour = clock ? Number(clock[1]) : NaN;
  const atMinute = clock ? Number(clock[2]) : NaN;
  switch (draft.kind) {
    case 'manual':
      return { kind: 'manual' };
    case 'interval':
      return { kind: 'interval', everyMinutes: (draft.every ?? NaN) * intervalUnits[draft.unit] };
    case 'daily':
      return { kind: 'daily', atHour, atMinute };
    case 'weekly':
      // The contract's weekly has whole hours; the minute is written only where it says more.
      return { kind: 'weekly', dayOfWeek: draft.dayOfWeek, atHour, ...(atMinute !== 0 && { atMinute }) };
    case 'cron':
      return { kind: 'cron', expression: draft.expression.trim() };
  }
}

export const emptyDraft = (timeZone: string): MissionDraft => ({
  title: '',
  objective: '',
  conceptMarkdown: '',
  inputs: [],
  cadence: cadenceDraft({ kind: 'daily', atHour: 9, atMinute: 0 }),
  timeZone,
});

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const draftOf = (m: Partial<Mission>, defaultZone: string): MissionDraft => ({
  title: text(m.title),
  objective: text(m.objective),
  conceptMarkdown: text(m.conceptMarkdown),
  inputs: Array.isArray(m.inputs) ? m.inputs : [],
  cadence: cadenceDraft(m.cadence ?? { kind: 'manual' }),
  timeZone: m.timeZone || defaultZone,
});

/** Keys under `missions.problem`, of a cadence under `missions.cadence.problem`. */
export interface DraftProblems {
  title?: 'titleMissing' | 'tooLong';
  objective?: 'objectiveMissing' | 'tooLong';
  conceptMarkdown?: 'tooLong';
  inputs?: 'tooManyInputs';
  cadence?: CadenceProblem;
}

const codePoints = (s: string): number => [...s].length;

/** Of its own; `field` says where to show it. */
export function cadenceProblem(
  draft: CadenceDraft,
  timeZone: string,
  now: number,
): CadenceProblem | undefined {
  const next = nextRun(cadenceOf(draft), now, timeZone);
  if (!next.ok) return { field: next.field, problem: next.problem };
  // Manual and interval do not look at the zone, but it is saved with them.
  return undefined;
}

/** The runner makes it longer; the form says so. */
export const isBelowMinimum = (draft: CadenceDraft): boolean =>
  draft.kind === 'interval' &&
  draft.every !== null &&
  draft.every > 0 &&
  draft.every * intervalUnits[draft.unit] < minIntervalMinutes;

export function draftProblems(draft: MissionDraft, now: number): DraftProblems {
  const out: DraftProblems = {};
  if (!draft.title.trim()) out.title = 'titleMissing';
  else if (codePoints(draft.title) > maxTitle) out.title = 'tooLong';
  if (!draft.objective.trim()) out.objective = 'objectiveMissing';
  else if (codePoints(draft.objective) > maxObjective) out.objective = 'tooLong';
  if (codePoints(draft.conceptMarkdown) > maxConcept) out.conceptMarkdown = 'tooLong';
  if (draft.inputs.length > maxInputs) out.inputs = 'tooManyInputs';
  const cadence = cadenceProblem(draft.cadence, draft.timeZone, now);
  if (cadence) out.cadence = cadence;
  return out;
}

/** Where in the form the problem of a cadence belongs. */
export const cadenceControl = (
  field: CadenceField,
): 'every' | 'time' | 'dayOfWeek' | 'expression' | 'timeZone' | 'kind' => {
  switch (field) {
    case 'everyMinutes':
      return 'every';
    case 'atHour':
    case 'atMinute':
      return 'time';
    default:
      return field;
  }
};

export const fieldsOf = (draft: MissionDraft) => ({
  title: draft.title.trim(),
  objective: draft.objective.trim(),
  conceptMarkdown: draft.conceptMarkdown.trim(),
  inputs: draft.inputs.map(({ module, table, id }) => ({ module, table, id })),
  cadence: cadenceOf(draft.cadence),
  timeZone: draft.timeZone,
});
