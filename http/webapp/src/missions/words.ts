// Missions in words.
import { regionOf, type Translate, type Language } from '$lib/i18n';
import type { Cadence, Iteration, Mission, Step } from '$lib/model/types';
import { cadenceDraft } from './logic/draft';

/** 0 = Sunday. */
export const weekdayName = (day: number, language: Language): string =>
  // 4 January 2026 was a Sunday.
  new Intl.DateTimeFormat(regionOf(language), { weekday: 'long', timeZone: 'UTC' }).format(
    Date.UTC(2026, 0, 4 + day),
  );

const clock = (hour: number, minute: number, language: Language): string =>
  new Intl.DateTimeFormat(regionOf(language), { timeStyle: 'short', timeZone: 'UTC' }).format(
    Date.UTC(2026, 0, 1, hour, minute),
  );

export function cadenceWords(cadence: Cadence | undefined, t: Translate, language: Language): string {
  switch (cadence?.kind) {
    case 'manual':
      return t('missions.cadence.words.manual');
    case 'interval': {
      const { every, unit } = cadenceDraft(cadence);
      return t(`missions.cadence.words.${unit}`, { count: every ?? 0 });
    }
    case 'daily':
      return t('missions.cadence.words.daily', { time: clock(cadence.atHour, cadence.atMinute, language) });
    case 'weekly': {
      const time = clock(cadence.atHour, cadence.atMinute ?? 0, language);
      return t('missions.cadence.words.weekly', { day: weekdayName(cadence.dayOfWeek, language), time });
    }
    case 'cron':
      return t('missions.cadence.words.cron', { expression: cadence.expression });
    default:
      return t('missions.cadence.words.unknown');
  }
}

/** "Mo., 27.04.2026, 09:00" on the clock of a zone. */
export function runTime(when: number, language: Language, timeZone: string): string {
  const options: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    day: '2-digit',
    month: '2-digit',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  };
  try {
    return new Intl.DateTimeFormat(regionOf(language), { ...options, timeZone }).format(when);
  } catch {
    // A zone that this browser does not know.
    return new Intl.DateTimeFormat(regionOf(language), options).format(when);
  }
}

type Tone = 'ok' | 'warn' | 'bad' | 'neutral' | 'info';

const keyOf = <K extends string>(known: Record<K, Tone>, value: unknown): K | 'unknown' =>
  typeof value === 'string' && Object.hasOwn(known, value) ? (value as K) : 'unknown';

const stateTones = { active: 'ok', paused: 'warn', done: 'neutral', archived: 'neutral' } as const;
const iterationTones = {
  running: 'info',
  'awaiting-review': 'warn',
  approved: 'ok',
  rejected: 'neutral',
  failed: 'bad',
} as const;
const stepTones = {
  planned: 'info',
  staged: 'info',
  approved: 'ok',
  rejected: 'neutral',
  skipped: 'neutral',
  failed: 'bad',
} as const;

export interface Said {
  /** Last part of the key of its words. */
  key: string;
  tone: Tone;
}
const said = <K extends string>(known: Record<K, Tone>, value: unknown): Said => {
  const key = keyOf(known, value);
  return { key, tone: key === 'unknown' ? 'neutral' : known[key] };
};

export const stateSaid = (m: Pick<Mission, 'state'>): Said => said(stateTones, m.state);
export const iterationSaid = (i: Pick<Iteration, 'overallStatus'>): Said =>
  said(iterationTones, i.overallStatus);
export const stepSaid = (s: Pick<Step, 'status'>): Said => said(stepTones, s.status);

export const iterationTime = (i: Iteration): string => i.finishedAt ?? i.startedAt ?? '';

/** The newest first. */
export function newestFirst(iterations: readonly Iteration[] | undefined): Iteration[] {
  const all = Array.isArray(iterations) ? iterations : [];
  return [...all].sort((a, b) => (iterationTime(a) < iterationTime(b) ? 1 : -1));
}
