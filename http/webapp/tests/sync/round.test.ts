import { ApiError } from '$lib/api/request';
import { db } from '$lib/store/db';
import { liveAiEvents } from '$lib/store/events';
import { batch, hide, insert, read, readAll, remove, update } from '$lib/store/records';
import { discardParked, parkedChanges, retryParked } from '$lib/sync/parked';
import { appsToPush, maxBatch, resendUnseen, syncApp, type PushBody } from '$lib/sync/round';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aUser, until } from '../store/helpers';
import { Server } from './server';

let user: Awaited<ReturnType<typeof aUser>>;
let server: Server;
beforeEach(async () => {
  user = await aUser();
  server = new Server();
});
afterEach(() => user.end());

const sync = (app = 'places', transport: Pick<Server, 'push' | 'pull'> = server) =>
  syncApp(db, transport, app);
const byOther = (id: string, fields: Record<string, unknown>, app = 'places', table = 'places') =>
  server.commit(
    server.begin(app, 'other', [
      {
        table,
        id,
        eventId: crypto.randomUUID(),
        op: 'insert',
        data: { updatedAt: new Date().toISOString(), ...fields },
      },
    ]),
  );

describe('a round', () => {
  it('brings own changes out and those of others in', async () => {
    const id = await insert('places', { name: 'mine' });
    await update('places', id, { name: 'mine, later' });
    byOther('p', { name: 'theirs' });
    expect(await sync()).toEqual(new Set(['places']));
    expect((await readAll<{ name: string }>('places')).map((p) => p.name).sort()).toEqual([
      'mine, later',
      'theirs',
    ]);
    expect(server.log.map((r) => r.op)).toEqual(['insert', 'insert', 'update']);
    expect(await db.outbox.count()).toBe(0);
    expect(await sync()).toEqual(new Set());
  });
  it('sends changes as they were made, and nothing of this device', async () => {
    await insert('notes', { title: 'a' });
    await hide('notes', (await db.outbox.toArray())[0]!.id);
    await sync('notes');
    const [{ clientId, since, schemaVersion, changes }] = server.pushes as [PushBody];
    expect({ since, schemaVersion }).toEqual({ since: '', schemaVersion: 1 });
    expect(clientId).toMatch(/^web-/);
    expect(changes.map((c) => Object.keys(c).sort())).toEqual([
      ['actor', 'data', 'eventId', 'id', 'op', 'table'],
      ['actor', 'deletedAt', 'eventId', 'id', 'op', 'table'],
    ]);
  });
  it('keeps what this version does not know', async () => {
    byOther('p', { name: 'a', later: { x: [1] } });
    byOther('x', { of: 'another table' }, 'places', 'placeVisits');
    await sync();
    await update('places', 'p', { name: 'b' });
    await sync();
    expect(await read('places', 'p')).toMatchObject({ name: 'b', later: { x: [1] } });
    expect(await read('placeVisits', 'x')).toMatchObject({ of: 'another table' });
  });
  it('follows pages to the end, and stops at one that leads nowhere', async () => {
    server.pageSize = 2;
    for (let n = 0; n < 7; n++) byOther(`p${n}`, { name: `${n}` });
    await sync();
    expect(await readAll('places')).toHaveLength(7);
    let asked = 0;
    await sync('places', {
      push: () => Promise.reject(new Error('nothing to push')),
      pull: async (_, since) => {
        asked++;
        return { serverChanges: [], syncedUntil: since, hasMore: true };
      },
    });
    expect(asked).toBe(1);
  });
  it('that lost its answer is repeated, and counts once', async () => {
    await insert('places', { name: 'a' });
    const lossy = {
      push: async (app: string, body: PushBody) => {
        await server.push(app, body);
        throw new ApiError(0, 'OFFLINE');
      },
      pull: (app: string, since: string) => server.pull(app, since),
    };
    await expect(sync('places', lossy)).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(await db.outbox.count()).toBe(1);
    await sync();
    expect(server.log).toHaveLength(1);
    expect(await db.outbox.count()).toBe(0);
  });
  it('leaves a change on the record until it comes back from the log', async () => {
    const id = await insert('places', { name: 'a' });
    const late = server.begin('places', 'other', [
      { table: 'places', id: 'z', eventId: 'e', op: 'insert', data: {} },
    ]);
    // Accepted, but the page of the answer is cut before it.
    const silent = {
      push: async (app: string, body: PushBody) => ({ ...(await server.push(app, body)), serverChanges: [] }),
      pull: async (_: string, since: string) => ({ serverChanges: [], syncedUntil: since, hasMore: false }),
    };
    await sync('places', silent);
    expect((await db.outbox.toArray()).map((c) => c.status)).toEqual(['sent']);
    expect(await appsToPush(db)).toEqual([]);
    expect(await read('places', id)).toMatchObject({ name: 'a' });
    server.commit(late);
    await sync();
    expect(await db.outbox.count()).toBe(0);
    expect(await read('places', id)).toMatchObject({ name: 'a' });
  });
  it('does not undo an edit that is made while a page is on its way', async () => {
    byOther('p', { name: 'theirs', category: 'theirs' });
    await sync();
    const edit = { name: { value: 'theirs 2' }, category: { value: 'theirs 2' } };
    const theirs = {
      table: 'places',
      id: 'p',
      eventId: crypto.randomUUID(),
      op: 'update',
      fields: edit,
    } as const;
    server.tick(400 * 86_400_000);
    server.commit(server.begin('places', 'other', [theirs]));
    await sync('places', {
      push: (app, body) => server.push(app, body),
      pull: async (app, since) => {
        const page = await server.pull(app, since);
        await update('places', 'p', { name: 'mine' });
        // As if their clock ran behind.
        for (const c of page.serverChanges)
          for (const f of Object.values(c.fields!)) f.updatedAt = '2026-04-15T10:00:00.000Z';
        return { ...page, hasMore: false };
      },
    });
    expect(await read('places', 'p')).toMatchObject({ name: 'mine' });
    expect(await db.outbox.count()).toBe(1);
  });
  it('sends again what the log turned out not to have', async () => {
    await insert('places', { name: 'a' });
    await sync('places', {
      push: async (_, { since }) => ({ serverChanges: [], syncedUntil: since, hasMore: false }),
      pull: async (_, since) => ({ serverChanges: [], syncedUntil: since, hasMore: false }),
    });
    await resendUnseen(db);
    await sync();
    expect(server.log).toHaveLength(1);
  });
  it('begins anew where the service does not know its cursor', async () => {
    byOther('p', { name: 'a' });
    await sync();
    await db.cursors.put({ app: 'places', syncedUntil: 'of an older service', at: '' });
    await insert('places', { name: 'b' });
    await sync();
    expect(await readAll('places')).toHaveLength(2);
    expect(server.log).toHaveLength(2);
  });
  it('sends long backlogs in batches', async () => {
    await batch(async (w) => {
      for (let n = 0; n < maxBatch + 1; n++) await w.insert('places', { id: `p${n}`, name: `${n}` });
    });
    await sync();
    expect(server.pushes.map((p) => p.changes.length)).toEqual([maxBatch, 1]);
    expect(await readAll('places')).toHaveLength(maxBatch + 1);
  });
  it('remembers what AI actors did elsewhere', async () => {
    const actor = { kind: 'system', source: 'mission-runner' } as const;
    const change = {
      table: 'places',
      id: 'p',
      eventId: 'e1',
      op: 'insert',
      data: { name: 'a' },
      actor,
    } as const;
    server.commit(server.begin('places', 'mana-ai-runner', [change]));
    await sync();
    const [event] = await until(liveAiEvents(), (all) => all.length > 0);
    expect(event).toMatchObject({
      eventId: 'e1',
      table: 'places',
      id: 'p',
      op: 'insert',
      actor,
      fields: ['name'],
    });
    await db.aiEvents.update('e1', { undone: true });
    await db.cursors.clear();
    await sync();
    expect(await db.aiEvents.toArray()).toMatchObject([{ undone: true }]);
  });
});

describe('a hard delete that others have not seen', () => {
  it('stays one, and their later edit does not bring back half a record', async () => {
    byOther('p', { name: 'a' });
    await sync();
    await remove('places', 'p');
    await sync();
    const edit = {
      table: 'places',
      id: 'p',
      eventId: 'e',
      op: 'update',
      fields: { name: { value: 'late' } },
    } as const;
    server.commit(server.begin('places', 'other', [edit]));
    await sync();
    expect(await read('places', 'p')).toBeUndefined();
    byOther('p', { name: 'new' });
    await sync();
    expect(await read('places', 'p')).toMatchObject({ name: 'new' });
  });
});

describe('a refused change', () => {
  const refuse = (name: string, naming: boolean) => {
    server.check = ({ changes }) => {
      const bad = changes.findIndex((c) => c.data?.name === name || c.fields?.name?.value === name);
      if (bad < 0) return;
      throw new ApiError(
        400,
        'BAD_REQUEST',
        naming ? `changes[${bad}].data.name: is refused` : 'something is refused',
      );
    };
  };
  for (const naming of [true, false]) {
    it(`is set aside and blocks no other, ${naming ? 'named' : 'not named'} by the service`, async () => {
      for (const name of ['a', 'b', 'bad', 'c', 'd']) await insert('places', { id: name, name });
      await update('places', 'bad', { category: 'follows on it' });
      await update('places', 'a', { name: 'a2' });
      refuse('bad', naming);
      await sync();
      expect(server.log.map((r) => r.id)).toEqual(['a', 'b', 'c', 'd', 'a']);
      expect(await parkedChanges()).toMatchObject([
        { id: 'bad', op: 'insert', error: expect.stringContaining('refused') },
      ]);
      expect(await read('places', 'bad')).toMatchObject({ name: 'bad', category: 'follows on it' });
      // What builds on it waits.
      expect(await db.outbox.where('status').equals('waiting').count()).toBe(1);
      await sync();
      expect(server.log).toHaveLength(5);
      server.check = () => undefined;
      await retryParked();
      await sync();
      expect(server.log.filter((r) => r.id === 'bad').map((r) => r.op)).toEqual(['insert', 'update']);
      expect(await db.outbox.count()).toBe(0);
    });
  }
  it('stays on its record when others edit that', async () => {
    byOther('p', { name: 'before' });
    await sync();
    await update('places', 'p', { name: 'bad' });
    refuse('bad', true);
    await sync();
    const fields = { category: { value: 'theirs' } };
    server.commit(
      server.begin('places', 'other', [
        { table: 'places', id: 'p', eventId: crypto.randomUUID(), op: 'update', fields },
      ]),
    );
    await sync();
    expect(await read('places', 'p')).toMatchObject({ name: 'bad', category: 'theirs' });
  });
  it('can be given up', async () => {
    byOther('p', { name: 'before' });
    await sync();
    await update('places', 'p', { name: 'bad' });
    await insert('places', { id: 'q', name: 'bad' });
    refuse('bad', true);
    await sync();
    await update('places', 'q', { category: 'x' });
    for (const { eventId } of await parkedChanges()) await discardParked(eventId);
    expect(await db.outbox.count()).toBe(0);
    expect(await read('places', 'p')).toMatchObject({ name: 'before' });
    expect(await read('places', 'q')).toBeUndefined();
  });
  it('is not what a refused request or a service in trouble makes of it', async () => {
    await insert('places', { name: 'a' });
    for (const e of [
      new ApiError(400, 'BAD_REQUEST', 'clientId: too long'),
      new ApiError(503, 'OVERLOADED'),
    ]) {
      server.check = () => {
        throw e;
      };
      await expect(sync()).rejects.toBe(e);
    }
    expect(await parkedChanges()).toEqual([]);
  });
  it('that is too large is found among others', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'bad']) await insert('places', { id: name, name });
    server.check = ({ changes }) => {
      if (changes.some((c) => c.id === 'bad')) throw new ApiError(413, 'LIMIT_EXCEEDED');
    };
    await sync();
    expect(server.log).toHaveLength(6);
    expect(await parkedChanges()).toMatchObject([{ id: 'bad' }]);
  });
});
