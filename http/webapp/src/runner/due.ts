// Which missions the tab may plan by itself. Pure.
import type { Mission } from '$lib/model/types';

/** The server plans those with a grant, and only it. */
export const hasLiveGrant = (mission: Mission, now: number): boolean =>
  !!mission.grant && Date.parse(mission.grant.expiresAt) > now;

export const isDue = (mission: Mission, now: number): boolean => {
  const slot = typeof mission.nextRunAt === 'string' ? Date.parse(mission.nextRunAt) : Number.NaN;
  return (
    mission.state === 'active' &&
    !mission.deletedAt &&
    mission.cadence?.kind !== 'manual' &&
    slot <= now &&
    !hasLiveGrant(mission, now)
  );
};
