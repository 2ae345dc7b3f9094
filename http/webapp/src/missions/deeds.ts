// What a user does with missions.
import { config } from '$lib/api/config';
import { ownZone } from '$lib/model/cadence_zone';
import type { Iteration, Mission } from '$lib/model/types';
import { session } from '$lib/session/session';
import { decisionsLock } from '$lib/ai/locks';
import { exclusively } from '$lib/session/locks';
import { batch, insert, read, unhide, update, type Opened } from '$lib/store/records';
import { same } from '$lib/store/same';
import { get } from 'svelte/store';
import { draftOf, fieldsOf, type MissionDraft } from './logic/draft';
import { nextRunAt, rescheduled, resumed } from './logic/schedule';

export const missionTable = 'aiMissions';

/** Of missions that name none: the service's default; this device's while the service was never asked. */
export const defaultZone = (): Promise<string> =>
  config().then(
    (c) => c.defaultTimeZone,
    () => ownZone(),
  );

export async function createMission(draft: MissionDraft): Promise<string> {
  const { userId } = get(session);
  const fields = fieldsOf(draft);
  return insert(missionTable, {
    ...fields,
    userId,
    state: 'active',
    iterations: [],
    nextRunAt: nextRunAt(fields.cadence, Date.now(), fields.timeZone),
  });
}

/** Writes what differs from `loaded`, so that what changed elsewhere while the form was open stays. */
export async function saveMission(loaded: Opened<Mission>, draft: MissionDraft): Promise<void> {
  const zone = await defaultZone();
  const shown: Record<string, unknown> = fieldsOf(draftOf(loaded, zone));
  const entries = Object.entries(fieldsOf(draft)).filter(([name, value]) => !same(shown[name], value));
  const changed: Partial<Mission> = Object.fromEntries(entries);
  const current = (await read<Mission>(missionTable, loaded.id)) ?? loaded;
  const schedule = rescheduled(current, { ...current, ...changed }, Date.now(), zone);
  await update(missionTable, loaded.id, { ...changed, ...schedule });
}

export const pauseMission = (id: string) => update(missionTable, id, { state: 'paused' });
export const completeMission = (id: string) => update(missionTable, id, { state: 'done' });
export const archiveMission = (id: string) => update(missionTable, id, { state: 'archived' });

export async function resumeMission(mission: Opened<Mission>): Promise<void> {
  await update(missionTable, mission.id, resumed(mission, Date.now(), await defaultZone()));
}

/** The server takes it up in its next round. */
export const runOnServer = (id: string) => update(missionTable, id, { nextRunAt: new Date().toISOString() });

/** A mission that nobody sees must not let anybody read. */
export const deleteMission = (id: string): Promise<void> =>
  batch(async (w) => {
    await w.update(missionTable, id, { grant: null });
    await w.hide(missionTable, id);
  });

/** Comes back as it was, without its grant; what it missed is not caught up. */
export async function restoreMission(mission: Opened<Mission>): Promise<void> {
  await unhide(missionTable, mission.id);
  if (mission.state === 'active') await resumeMission(mission);
}

export const withdrawGrant = (id: string) => update(missionTable, id, { grant: null });

/** Not between a decision on a step and its writing: iterations are written whole. */
export const giveFeedback = (missionId: string, iterationId: string, text: string): Promise<void> =>
  exclusively(decisionsLock, async () => {
    const mission = await read<Mission>(missionTable, missionId);
    const iteration = mission?.iterations?.find((i) => i.id === iterationId);
    if (!mission || !iteration) return;
    const changed: Iteration = { ...iteration, userFeedback: text.trim() };
    const iterations = mission.iterations.map((i) => (i.id === iterationId ? changed : i));
    await update(missionTable, missionId, { iterations });
  });
