import { ApiError } from '$lib/api/request';
import { tryAgain } from '$lib/refused/deeds';
import { refusedRecord } from '$lib/refused/record';
import { db } from '$lib/store/db';
import { hide, insert, read, update } from '$lib/store/records';
import { discardParked, liveParked, parkedChanges } from '$lib/sync/parked';
import { syncApp } from '$lib/sync/round';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aUser, until } from '../store/helpers';
import { Server } from '../sync/server';

const { syncNow } = vi.hoisted(() => ({ syncNow: vi.fn<() => Promise<void>>() }));
vi.mock('$lib/sync/engine', () => ({ syncNow }));

let user: Awaited<ReturnType<typeof aUser>>;
let server: Server;
let bad: Set<string>;
beforeEach(async () => {
  user = await aUser();
  server = new Server();
  bad = new Set(['a', 'b']);
  server.check = ({ changes }) => {
    const n = changes.findIndex((c) => bad.has(c.id));
    if (n >= 0) throw new ApiError(400, 'BAD_REQUEST', `changes[${n}].data.name: is refused`);
  };
  syncNow.mockReset().mockImplementation(async () => void (await syncApp(db, server, 'places')));
});
afterEach(() => user.end());

const place = (id: string, actor?: Parameters<typeof insert>[2]) => insert('places', { id, name: id }, actor);
const ids = async () => (await parkedChanges()).map((c) => c.id);
const eventOf = async (id: string) => (await parkedChanges()).find((c) => c.id === id)!.eventId;

describe('refused changes', () => {
  it('are told with reason, code, and what waits behind them', async () => {
    await place('a');
    await place('c');
    await syncNow();
    await update('places', 'a', { category: 'x' });
    await update('places', 'c', { category: 'x' });
    const [one, ...others] = (await until(liveParked, (all) => all?.[0]?.behind === 1))!;
    expect(one).toMatchObject({
      id: 'a',
      error: 'changes[0].data.name: is refused',
      errorCode: 'BAD_REQUEST',
    });
    expect(others).toEqual([]);
  });
  it('go away from the list once they are decided', async () => {
    await place('a');
    await syncNow();
    await until(liveParked, (all) => all?.length === 1);
    await discardParked(await eventOf('a'));
    await until(liveParked, (all) => all?.length === 0);
  });
});

describe('trying again', () => {
  beforeEach(async () => {
    await place('a');
    await place('b');
    await syncNow();
    expect(await ids()).toEqual(['a', 'b']);
  });
  it('sends the one that is meant, as it was made', async () => {
    bad.delete('a');
    expect(await tryAgain(await eventOf('a'))).toEqual({ end: 'accepted' });
    expect(await ids()).toEqual(['b']);
    expect(server.log.map((r) => r.id)).toEqual(['a']);
    expect(Object.keys(server.pushes.at(-1)!.changes[0]!).sort()).toEqual([
      'actor',
      'data',
      'eventId',
      'id',
      'op',
      'table',
    ]);
  });
  it('says when it was refused again, also of some among all', async () => {
    expect(await tryAgain(await eventOf('a'))).toEqual({ end: 'refused', count: 1 });
    bad.delete('b');
    expect(await tryAgain()).toEqual({ end: 'refused', count: 1 });
    expect(await ids()).toEqual(['a']);
    bad.clear();
    expect(await tryAgain()).toEqual({ end: 'accepted' });
  });
  it('waits for the network, and says so', async () => {
    const offline = new ApiError(0, 'OFFLINE');
    syncNow.mockRejectedValueOnce(offline);
    expect(await tryAgain(await eventOf('a'))).toEqual({ end: 'later', error: offline });
    expect(await ids()).toEqual(['b']);
    bad.clear();
    await syncNow();
    expect(server.log.map((r) => r.id)).toEqual(['a']);
  });
});

describe('discarding', () => {
  it('an insert takes the record with all later changes, and what the AI would have done with it', async () => {
    await place('a', { kind: 'ai', missionId: 'm', iterationId: 'i', rationale: 'r' });
    await syncNow();
    await update('places', 'a', { category: 'x' });
    expect(await db.aiEvents.count()).toBe(1);
    await discardParked(await eventOf('a'));
    expect(await read('places', 'a')).toBeUndefined();
    expect([await db.outbox.count(), await db.aiEvents.count()]).toEqual([0, 0]);
  });
  it('an update takes that one, and what waited behind it goes out', async () => {
    bad.clear();
    await place('a');
    await syncNow();
    bad.add('a');
    await update('places', 'a', { name: 'other' });
    await syncNow();
    await update('places', 'a', { category: 'x' });
    await discardParked(await eventOf('a'));
    bad.clear();
    await syncNow();
    expect(server.log.map((r) => Object.keys(r.fields ?? {}))).toEqual([[], ['category', 'updatedAt']]);
    expect(await read('places', 'a')).toMatchObject({ name: 'a', category: 'x' });
  });
  it('a deletion brings the record back', async () => {
    bad.clear();
    await place('a');
    await syncNow();
    bad.add('a');
    await hide('places', 'a');
    await syncNow();
    await discardParked(await eventOf('a'));
    expect(await read('places', 'a')).toMatchObject({ name: 'a', deletedAt: null });
  });
});

describe('the record of a refused change', () => {
  it('is opened as its pages do', async () => {
    await insert('notes', { id: 'n', title: 'Dachboden' });
    await insert('timeBlocks', { id: 't', startDate: '2026-04-15T10:00:00.000Z' });
    await insert('events', { id: 'e', title: 'Zahnarzt', timeBlockId: 't' });
    await insert('aiMissions', { id: 'm', title: 'Aufräumen', iterations: [] });
    expect(await until(refusedRecord('notes', 'n'), Boolean)).toMatchObject({
      spec: { name: 'notes' },
      record: { title: 'Dachboden' },
    });
    expect(await until(refusedRecord('timeBlocks', 't'), Boolean)).toMatchObject({
      spec: { name: 'calendar' },
      record: { id: 'e', title: 'Zahnarzt' },
    });
    expect(await until(refusedRecord('aiMissions', 'm'), Boolean)).toMatchObject({ kind: 'mission' });
  });
});
