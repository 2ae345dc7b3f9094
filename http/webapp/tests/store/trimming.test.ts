import type { Actor } from '$lib/model/types';
import { db, type AiEvent } from '$lib/store/db';
import { hide, remove } from '$lib/store/records';
import { beyondNewest, keptPerMission } from '$lib/store/trimming';
import { applyPage } from '$lib/sync/apply';
import type { ServerChange } from '$lib/store/change';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aUser } from './helpers';

const start = Date.UTC(2026, 3, 15, 10);
const at = (n: number) => new Date(start + n * 1000).toISOString();
const ai = (missionId: string): Actor => ({ kind: 'ai', missionId, iterationId: 'i', rationale: 'r' });

const event = (n: number, actor: Actor, more: Partial<AiEvent> = {}) =>
  ({
    eventId: `e${n}`,
    table: 'places',
    id: 'p',
    op: 'update',
    fields: [],
    actor,
    at: at(n),
    ...more,
  }) as AiEvent;

describe('what is beyond the newest', () => {
  const ids = (events: AiEvent[]) => beyondNewest(events, 2).map((e) => e.eventId);
  it('is counted for each mission, and once for all services', () => {
    const runner: Actor = { kind: 'system', source: 'mission-runner' };
    const rule: Actor = { kind: 'system', source: 'rule' };
    const all = [
      event(9, ai('m')),
      event(8, runner),
      event(7, ai('n')),
      event(6, ai('m')),
      event(5, rule),
      event(4, ai('m')),
      event(3, runner),
    ];
    expect(ids(all)).toEqual(['e4', 'e3']);
    expect(ids(all.slice(0, 5))).toEqual([]);
  });
});

describe('the local list of what the AI did', () => {
  let user: Awaited<ReturnType<typeof aUser>>;
  beforeEach(async () => void (user = await aUser()));
  afterEach(() => user.end());

  let row = 0;
  // As pages of the log: `count` changes by the AI, the first of which makes the record.
  async function pulled(id: string, count: number, missionId = 'm', pageSize = 400) {
    const changes: ServerChange[] = Array.from({ length: count }, (_, n) => ({
      eventId: `${id}-${n}`,
      table: 'places',
      id,
      createdAt: `${at(row++).slice(0, -1)}000Z`,
      actor: ai(missionId),
      ...(n === 0
        ? { op: 'insert' as const, data: { name: id, updatedAt: at(0) } }
        : { op: 'update' as const, fields: { name: { value: `${id} ${n}`, updatedAt: at(n) } } }),
    }));
    for (let from = 0; from < count; from += pageSize)
      await applyPage(db, 'places', {
        serverChanges: changes.slice(from, from + pageSize),
        syncedUntil: `${row}`,
        hasMore: false,
      });
  }
  const kept = async (id: string) =>
    (await db.aiEvents.toArray()).filter((e) => e.id === id).map((e) => Number(e.eventId.split('-')[1]));

  it('does not grow beyond a quarter more than its size, and keeps the newest', async () => {
    await pulled('p', 2 * keptPerMission, 'm', 100);
    const numbers = await kept('p');
    expect(numbers.length).toBeLessThanOrEqual(keptPerMission * 1.25 + 100 + 1);
    for (let n = keptPerMission; n < 2 * keptPerMission; n++) expect(numbers).toContain(n);
  });

  it('keeps the mark of a record that the AI made, as long as the record is there', async () => {
    await pulled('old', 1);
    await pulled('binned', 1);
    await pulled('gone', 1);
    await hide('places', 'binned');
    await remove('places', 'gone');
    await pulled('taken-back', 1);
    await db.aiEvents.update('taken-back-0', { undone: true });
    await pulled('p', keptPerMission + 400);
    expect(await kept('old')).toEqual([0]);
    expect(await kept('binned')).toEqual([0]);
    expect(await kept('gone')).toEqual([]);
    expect(await kept('taken-back')).toEqual([]);
    expect(await kept('p')).toContain(0);
    expect(await kept('p')).not.toContain(1);
  });

  it('leaves the changes of another mission alone', async () => {
    await pulled('q', 3, 'n');
    await pulled('p', keptPerMission + 400, 'm');
    expect(await kept('q')).toEqual([0, 1, 2]);
  });

  it('is the same after the log was read again from its beginning', async () => {
    await pulled('p', keptPerMission + 400);
    const before = (await kept('p')).length;
    row = 0;
    await pulled('p', keptPerMission + 400);
    expect((await kept('p')).length).toBeLessThanOrEqual(before * 1.25 + 100);
  });
});
