// Which `nextRunAt` a change of a mission writes: the runner's own rules (model/cadence.ts), so that the server finds
// what it would have written itself.
import { nextRun } from '$lib/model/cadence';
import type { Cadence, Iso, Mission } from '$lib/model/types';

/** Null: none, also where the cadence makes no sense. */
export function nextRunAt(cadence: Cadence, now: number, zone: string): Iso | null {
  const next = nextRun(cadence, now, zone);
  return next.ok && next.at !== null ? new Date(next.at).toISOString() : null;
}

type Scheduled = Pick<Mission, 'cadence' | 'timeZone' | 'state'>;

export const zoneOf = (mission: Pick<Mission, 'timeZone'>, defaultZone: string): string =>
  mission.timeZone || defaultZone;

const sameCadence = (a: Cadence, b: Cadence): boolean => {
  const text = (c: Cadence) => JSON.stringify(Object.entries(c).sort(([x], [y]) => (x < y ? -1 : 1)));
  return text(a) === text(b);
};

/** What an edit writes of it: nothing where the schedule stays, so that a run that is due is not put off. */
export function rescheduled(
  before: Scheduled,
  after: Scheduled,
  now: number,
  defaultZone: string,
): { nextRunAt?: Iso | null } {
  const zone = zoneOf(after, defaultZone);
  const unchanged = sameCadence(before.cadence, after.cadence) && zoneOf(before, defaultZone) === zone;
  if (unchanged || after.state !== 'active') return {};
  return { nextRunAt: nextRunAt(after.cadence, now, zone) };
}

/** A mission that goes on does so from now: what it missed is not caught up. */
export const resumed = (mission: Scheduled, now: number, defaultZone: string) => ({
  state: 'active' as const,
  nextRunAt: nextRunAt(mission.cadence, now, zoneOf(mission, defaultZone)),
});

/** The server plans a mission that has a grant, whatever has become of the grant. */
export const isServersRun = (mission: Pick<Mission, 'grant'>): boolean =>
  typeof mission.grant === 'object' && mission.grant !== null;
