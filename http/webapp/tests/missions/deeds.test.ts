import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '$lib/api/request';
import { consentSteps } from '$lib/missions/consent_steps';
import {
  createMission,
  deleteMission,
  giveFeedback,
  missionTable,
  restoreMission,
  resumeMission,
  saveMission,
} from '$lib/missions/deeds';
import { draftOf, emptyDraft } from '$lib/missions/logic/draft';
import type { Grant, Mission } from '$lib/model/types';
import { db } from '$lib/store/db';
import { insert, read, update, type Opened } from '$lib/store/records';
import { syncNow } from '$lib/sync/engine';
import { aUser } from '../store/helpers';

vi.mock('$lib/sync/engine', () => ({ syncNow: vi.fn() }));
vi.mock('$lib/api/config', () => ({ config: async () => ({ defaultTimeZone: 'America/New_York' }) }));
vi.mock('$lib/session/session', async () => {
  const { readable } = await import('svelte/store');
  return { session: readable({ phase: 'open', userId: 'lena' }) };
});

const now = Date.parse('2026-04-14T10:00:00.000Z');
const grant: Grant = {
  wrappedKey: 'k',
  derivation: { version: 'v2', missionId: 'm', tables: ['notes'], recordIds: ['notes:a'] },
  issuedAt: '2026-04-14T10:00:00.000Z',
  expiresAt: '2026-04-21T10:00:00.000Z',
};

let user: Awaited<ReturnType<typeof aUser>>;
beforeEach(async () => {
  user = await aUser();
  vi.useFakeTimers({ now, toFake: ['Date'] });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.mocked(syncNow).mockReset();
  await user.end();
});

const written = { ...emptyDraft('Europe/Berlin'), title: 'Umzug', objective: 'Plan it.' };
const missionOf = async (id: string) => (await read<Mission>(missionTable, id)) as Opened<Mission>;

describe('a mission', () => {
  it('is created with its owner and its next run', async () => {
    const mission = await missionOf(await createMission(written));
    expect(mission).toMatchObject({
      userId: 'lena',
      title: 'Umzug',
      state: 'active',
      iterations: [],
      timeZone: 'Europe/Berlin',
      nextRunAt: '2026-04-15T07:00:00.000Z',
    });
  });

  it('keeps what changed elsewhere while it was edited', async () => {
    const id = await createMission(written);
    const loaded = await missionOf(id);
    await update(missionTable, id, { title: 'Umzug im März', nextRunAt: '2026-04-14T10:00:05.000Z' });
    await saveMission(loaded, { ...draftOf(loaded, 'UTC'), objective: 'Plan it well.' });
    expect(await missionOf(id)).toMatchObject({
      title: 'Umzug im März',
      objective: 'Plan it well.',
      nextRunAt: '2026-04-14T10:00:05.000Z',
    });
  });

  it('has another next run with another cadence, in the default zone where it names none', async () => {
    const id = await insert(missionTable, {
      title: 't',
      objective: 'o',
      state: 'active',
      inputs: [],
      iterations: [],
      cadence: { kind: 'manual' },
    });
    const loaded = await missionOf(id);
    const draft = draftOf(loaded, 'America/New_York');
    await saveMission(loaded, { ...draft, cadence: { ...draft.cadence, kind: 'daily', time: '09:00' } });
    const saved = await missionOf(id);
    expect(saved.nextRunAt).toBe('2026-04-14T13:00:00.000Z');
    expect(saved.timeZone).toBeUndefined();
  });

  it('goes on from now', async () => {
    const id = await createMission(written);
    await update(missionTable, id, { state: 'paused', nextRunAt: '2026-04-01T07:00:00.000Z' });
    await resumeMission(await missionOf(id));
    expect(await missionOf(id)).toMatchObject({ state: 'active', nextRunAt: '2026-04-15T07:00:00.000Z' });
  });

  it('lets nobody read once it is deleted, and comes back without its grant', async () => {
    const id = await createMission(written);
    await update(missionTable, id, { grant });
    await deleteMission(id);
    expect(await missionOf(id)).toMatchObject({ grant: null, deletedAt: expect.any(String) });
    await restoreMission(await missionOf(id));
    expect(await missionOf(id)).toMatchObject({ grant: null, deletedAt: null, state: 'active' });
  });

  it('takes feedback into the one iteration, and no other into the log', async () => {
    const id = await createMission(written);
    const run = (n: string) => ({
      id: n,
      startedAt: '2026-04-14T09:00:00.000Z',
      plan: [],
      overallStatus: 'approved',
    });
    await update(missionTable, id, { iterations: [run('a'), run('b')] });
    await giveFeedback(id, 'b', '  More of it. ');
    const { iterations } = await missionOf(id);
    expect(iterations.map((i) => i.userFeedback)).toEqual([undefined, 'More of it.']);
    const last = (await db.outbox.orderBy('seq').last())!;
    expect((last.fields?.iterations?.value as { id: string }[]).map((i) => i.id)).toEqual(['b']);
  });
});

describe('the steps of consent', () => {
  const recordIds = ['notes:a'];
  const note = () => insert('notes', { id: 'a', title: 'A' });

  it('do not sync where nothing waits', async () => {
    await consentSteps.pushed(recordIds);
    expect(syncNow).not.toHaveBeenCalled();
  });
  it('wait until the service has the records', async () => {
    await note();
    vi.mocked(syncNow).mockImplementation(
      async () => void (await db.outbox.toCollection().modify({ status: 'sent' })),
    );
    await consentSteps.pushed(recordIds);
    expect(syncNow).toHaveBeenCalledTimes(1);
  });
  it('go on when only something else could not be synced', async () => {
    await note();
    vi.mocked(syncNow).mockImplementation(async () => {
      await db.outbox.toCollection().modify({ status: 'sent' });
      throw new ApiError(500, 'INTERNAL');
    });
    await expect(consentSteps.pushed(recordIds)).resolves.toBeUndefined();
  });
  it('say what keeps the records from the service', async () => {
    await note();
    vi.mocked(syncNow).mockRejectedValue(new ApiError(0, 'OFFLINE'));
    await expect(consentSteps.pushed(recordIds)).rejects.toMatchObject({ code: 'OFFLINE' });
    vi.mocked(syncNow).mockResolvedValue();
    await expect(consentSteps.pushed(recordIds)).rejects.toMatchObject({ code: 'TIMEOUT' });
    await db.outbox.toCollection().modify({ status: 'parked' });
    await expect(consentSteps.pushed(recordIds)).rejects.toMatchObject({ problem: 'refusedWrites' });
  });
  it('store the whole grant', async () => {
    const id = await createMission(written);
    await consentSteps.store(id, grant);
    expect((await missionOf(id)).grant).toEqual(grant);
  });
});
