import { sealText } from '$lib/crypto/envelope';
import { useMasterKeys } from '$lib/crypto/keys';
import { sealedKind } from '$lib/crypto/sealed';
import type { Actor, Mission } from '$lib/model/types';
import { storedRecord } from '$lib/store/change';
import { closeDatabase, db, openDatabase } from '$lib/store/db';
import { liveAiEvents, markUndone } from '$lib/store/events';
import {
  batch,
  hide,
  insert,
  live,
  liveHidden,
  liveOne,
  NoSuchRecord,
  read,
  readAll,
  remove,
  resealAsEnc2,
  unhide,
  update,
} from '$lib/store/records';
import { write } from '$lib/store/writing';
import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aUser, until } from './helpers';

interface Note {
  title: string | null;
  content?: string | null;
}
const ai: Actor = { kind: 'ai', missionId: 'm', iterationId: 'i', rationale: 'weil' };
const marker = 'PLAINTEXT-MARKER';

let user: Awaited<ReturnType<typeof aUser>>;
beforeEach(async () => void (user = await aUser()));
afterEach(() => user.end());

const everythingStored = async (): Promise<string> =>
  JSON.stringify(await Promise.all(db.tables.filter((t) => t.name !== 'keys').map((t) => t.toArray())));

describe('a record', () => {
  it('is read as it was written, and rests sealed', async () => {
    const id = await insert('notes', { title: marker, content: `${marker} 2` });
    expect(await read<Note>('notes', id)).toMatchObject({
      id,
      title: marker,
      content: `${marker} 2`,
      deletedAt: null,
    });
    expect(await everythingStored()).not.toContain(marker);
    await update('notes', id, { title: `${marker} 3` });
    expect(await read<Note>('notes', id)).toMatchObject({ title: `${marker} 3`, content: `${marker} 2` });
    expect(await everythingStored()).not.toContain(marker);
  });
  it('has its id, its times and its changes in the outbox, in order', async () => {
    const id = await insert('places', { id: 'p', name: 'Kiosk', category: undefined });
    await update('places', id, { name: 'Bäcker', category: 'Laden' });
    const [first, second, ...more] = await db.outbox.toArray();
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      app: 'places',
      table: 'places',
      id: 'p',
      op: 'insert',
      status: 'waiting',
      actor: { kind: 'user' },
    });
    expect(first!.data).toEqual({
      id: 'p',
      name: 'Kiosk',
      deletedAt: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(Object.keys(second!.fields!).sort()).toEqual(['category', 'name', 'updatedAt']);
    expect(second!.fields!.name!.updatedAt! > (first!.data!.updatedAt as string)).toBe(true);
    expect(second!.eventId).not.toBe(first!.eventId);
  });
  it('is written only where something changes', async () => {
    const id = await insert('notes', { title: 'a', content: 'b' });
    await update('notes', id, { title: 'a', content: 'b' });
    expect(await db.outbox.count()).toBe(1);
    await update('notes', id, { title: 'a', content: 'c' });
    expect(Object.keys((await db.outbox.toArray())[1]!.fields!).sort()).toEqual(['content', 'updatedAt']);
  });
  it('takes dotted paths', async () => {
    const id = await insert('aiMissions', { title: 'm', cadence: { kind: 'daily', atHour: 9, atMinute: 0 } });
    await update('aiMissions', id, { 'cadence.atHour': 10 });
    expect(await read<Mission>('aiMissions', id)).toMatchObject({
      cadence: { kind: 'daily', atHour: 10, atMinute: 0 },
    });
  });
  it('sends only the iterations that changed', async () => {
    const iteration = (n: number, summary = '') => ({
      id: `i${n}`,
      startedAt: `2026-01-0${n}T00:00:00.000Z`,
      plan: [],
      summary,
    });
    const id = await insert('aiMissions', { title: 'm', iterations: [iteration(2), iteration(1)] });
    await update('aiMissions', id, { iterations: [iteration(1), iteration(2, 'x'), iteration(3)] });
    const sent = (await db.outbox.toArray())[1]!.fields!.iterations!.value as { id: string }[];
    expect(sent.map((i) => i.id)).toEqual(['i2', 'i3']);
    expect((await read<Mission>('aiMissions', id))!.iterations.map((i) => i.id)).toEqual(['i1', 'i2', 'i3']);
  });
  it('can be hidden, shown again and removed', async () => {
    const id = await insert('notes', { title: 'a' });
    await hide('notes', id);
    expect(await readAll('notes')).toEqual([]);
    expect((await read<Note>('notes', id))!.deletedAt).toEqual(expect.any(String));
    await unhide('notes', id);
    expect(await readAll('notes')).toHaveLength(1);
    await remove('notes', id);
    expect(await read('notes', id)).toBeUndefined();
    expect((await db.outbox.toArray()).map((c) => [c.op, c.deletedAt !== undefined])).toEqual([
      ['insert', false],
      ['delete', true],
      ['update', false],
      ['delete', false],
    ]);
  });
  it('that is inserted again takes the fields and shows', async () => {
    await insert('kontextDoc', { id: 'singleton', content: 'a' });
    await hide('kontextDoc', 'singleton');
    await insert('kontextDoc', { id: 'singleton', content: 'b' });
    expect(await readAll('kontextDoc')).toMatchObject([{ content: 'b' }]);
  });
  it('that is not there cannot be edited', async () => {
    await expect(update('notes', 'none', { title: 'x' })).rejects.toBeInstanceOf(NoSuchRecord);
    await expect(hide('notes', 'none')).rejects.toBeInstanceOf(NoSuchRecord);
    await remove('notes', 'none');
    expect(await db.outbox.count()).toBe(0);
  });
  it('survives that the app is closed, also where only the outbox has it', async () => {
    const id = await insert('notes', { title: 'a' });
    await update('notes', id, { title: 'b' });
    closeDatabase();
    await openDatabase(user.userId);
    expect(await read<Note>('notes', id)).toMatchObject({ title: 'b' });
    expect(await db.outbox.count()).toBe(2);
  });
  it('names the fields that do not open', async () => {
    const id = await insert('notes', { title: 'a', content: 'b' });
    const row = (await db.records.get(['notes', id]))!;
    await db.records.put({ ...row, view: { ...row.view, content: row.view!.title } });
    expect(await read<Note>('notes', id)).toMatchObject({
      title: 'a',
      content: null,
      unreadable: ['content'],
    });
    await update('notes', id, { content: null });
    expect((await read<Note>('notes', id))!.unreadable).toBeUndefined();
  });
  it('given to a reader is a copy', async () => {
    const id = await insert('tasks', { title: 'a', subtasks: [{ title: 'x' }] });
    const first = await read<{ subtasks: { title: string }[] }>('tasks', id);
    first!.subtasks[0]!.title = 'changed';
    expect(await read('tasks', id)).toMatchObject({ subtasks: [{ title: 'x' }] });
  });
});

describe('what is sealed', () => {
  it('is sealed even where a text looks as if it was', async () => {
    const id = await insert('notes', { title: 'enc:2:AAAA.BBBB', content: '' });
    expect(await read<Note>('notes', id)).toMatchObject({ title: 'enc:2:AAAA.BBBB', content: '' });
    const { data } = (await db.outbox.toArray())[0]!;
    expect([sealedKind(data!.title), sealedKind(data!.content)]).toEqual([2, 2]);
  });
  it('cannot be written unsealed, whoever tries', async () => {
    const id = await insert('notes', { title: 'a' });
    const task = await insert('tasks', { title: 't' });
    const tries = [
      () => write([{ table: 'notes', id: 'x', op: 'insert', fields: { title: 'plain' } }]),
      () => write([{ table: 'notes', id, op: 'update', fields: { content: 'plain' } }]),
      () => write([{ table: 'notes', id, op: 'update', fields: { content: ['enc:2:AA.BB'] } }]),
      () => update('tasks', task, { 'metadata.x': 'plain' }),
    ];
    for (const one of tries) await expect(one()).rejects.toThrow(/is not sealed|a part of a sealed field/);
    expect(await db.outbox.count()).toBe(2);
  });
  it('is not written by a session without keys', async () => {
    useMasterKeys(undefined);
    await expect(insert('notes', { title: 'a' })).rejects.toThrow('the session is not open');
    expect(await db.outbox.count()).toBe(0);
  });
});

describe('a batch', () => {
  it('is written as a whole', async () => {
    const id = await batch(async (w) => {
      const block = await w.insert('timeBlocks', { startDate: '2026-05-01T10:00:00.000Z' });
      const event = await w.insert('events', { title: 'a', timeBlockId: block });
      await w.update('events', event, { location: 'hier' });
      return event;
    }, ai);
    expect(await read('events', id)).toMatchObject({ title: 'a', location: 'hier' });
    expect((await db.outbox.toArray()).map((c) => [c.app, c.op, c.actor?.kind])).toEqual([
      ['timeblocks', 'insert', 'ai'],
      ['calendar', 'insert', 'ai'],
      ['calendar', 'update', 'ai'],
    ]);
  });
  it('leaves nothing when one of its writes fails', async () => {
    const failing = batch(async (w) => {
      await w.insert('notes', { title: 'a' });
      await w.hide('notes', 'none');
    });
    await expect(failing).rejects.toBeInstanceOf(NoSuchRecord);
    expect([await db.outbox.count(), await db.records.count()]).toEqual([0, 0]);
  });
});

describe('an edit', () => {
  const future = '2036-01-01T00:00:00.000Z';
  it('wins over a value from a clock that runs ahead', async () => {
    const known = storedRecord('places', 'p', { writes: {}, elements: {} }, []).known;
    const at = '2026-04-15T10:00:00.000000Z';
    known.writes.name = [{ v: 'ahead', s: future, at, row: 'r' }];
    known.seen = known.inserted = { at, row: 'r' };
    await db.records.put(storedRecord('places', 'p', known, []));
    await update('places', 'p', { name: 'mine' });
    await update('places', 'p', { name: 'mine again' });
    expect(await read('places', 'p')).toMatchObject({ name: 'mine again' });
    const stamps = (await db.outbox.toArray()).map((c) => c.fields!.name!.updatedAt);
    expect(stamps).toEqual(['2036-01-01T00:00:00.001Z', '2036-01-01T00:00:00.002Z']);
  });
});

describe('lists', () => {
  it('follow every change', async () => {
    const notes = live<Note>('notes');
    expect(get(notes)).toEqual([]);
    const id = await insert('notes', { title: 'a' });
    await until(notes, (all) => all.length === 1 && all[0]!.title === 'a');
    await update('notes', id, { title: 'b' });
    await until(notes, (all) => all[0]?.title === 'b');
    await hide('notes', id);
    await until(notes, (all) => all.length === 0);
    await until(liveHidden<Note>('notes'), (all) => all.length === 1);
  });
  it('are filtered, and the oldest comes first', async () => {
    for (const [n, name] of ['c', 'a', 'b'].entries())
      await insert('places', { id: name, name, createdAt: `2026-01-0${n + 1}T00:00:00.000Z` });
    const all = await until(live<{ name: string }>('places'), (list) => list.length === 3);
    expect(all.map((p) => p.name)).toEqual(['c', 'a', 'b']);
    await until(
      live<{ name: string }>('places', (p) => p.name !== 'a'),
      (list) => list.length === 2,
    );
  });
  it('of one record hold it or nothing', async () => {
    const one = liveOne<Note>('notes', 'n');
    const stop = one.subscribe(() => {});
    await insert('notes', { id: 'n', title: 'a' });
    await until(one, (n) => n?.title === 'a');
    await remove('notes', 'n');
    await until(one, (n) => n === undefined);
    stop();
  });
  it('are those of the user who is signed in', async () => {
    const notes = live<Note>('notes');
    const stop = notes.subscribe(() => {});
    await insert('notes', { title: 'first' });
    await until(notes, (all) => all.length === 1);
    const other = await aUser();
    await until(notes, (all) => all.length === 0);
    await other.end();
    await openDatabase(user.userId);
    stop();
  });
});

describe('changes by an AI', () => {
  it('are remembered, the newest first', async () => {
    const id = await insert('tasks', { title: 'a' }, ai);
    await insert('tasks', { title: 'b' });
    const events = await until(liveAiEvents(), (all) => all.length === 1);
    expect(events[0]).toMatchObject({ table: 'tasks', id, op: 'insert', actor: ai });
    expect(events[0]!.fields).toContain('title');
    await markUndone(events[0]!.eventId);
    await until(liveAiEvents(), (all) => all[0]?.undone === true);
  });
});

describe('an actor', () => {
  it('is the user or an AI, never the system', async () => {
    const system: Actor = { kind: 'system', source: 'rule' };
    await expect(insert('places', { name: 'a' }, system)).rejects.toThrow('system is for the services');
    expect(await db.outbox.count()).toBe(0);
  });
  it('gives no more reasons than the service takes', async () => {
    await insert('places', { name: 'a' }, { ...ai, rationale: '🦊'.repeat(5000) });
    const { actor } = (await db.outbox.toArray())[0]!;
    const { rationale } = actor as typeof ai & { rationale: string };
    expect(rationale.endsWith('🦊…')).toBe(true);
    expect(new TextEncoder().encode(rationale).length).toBeLessThanOrEqual(8 * 1024);
  });
});

describe('sealing anew', () => {
  it('writes enc:1 values as enc:2, right behind their last stamp', async () => {
    const raw = new Uint8Array(32).fill(7);
    const legacy = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']);
    const title = await sealText('enc:1:', legacy, 'alt');
    const content = await sealText('enc:1:', legacy, 'auch alt');
    await write([{ table: 'notes', id: 'n', op: 'insert', fields: { title, content } }]);
    expect(await read<Note>('notes', 'n')).toMatchObject({ title: 'alt' });
    const before = (await db.outbox.toArray())[0]!.data!.updatedAt as string;
    expect(await resealAsEnc2('notes', 'n')).toBe(2);
    const { fields } = (await db.outbox.toArray())[1]!;
    expect([sealedKind(fields!.title!.value), sealedKind(fields!.content!.value)]).toEqual([2, 2]);
    expect(Date.parse(fields!.title!.updatedAt!)).toBe(Date.parse(before) + 1);
    expect(await read<Note>('notes', 'n')).toMatchObject({ title: 'alt', content: 'auch alt' });
    expect(await resealAsEnc2('notes', 'n')).toBe(0);
  });
  it('leaves a field alone that was edited meanwhile', async () => {
    await insert('notes', { id: 'n', title: 'neu' });
    const { view } = (await db.records.get(['notes', 'n']))!;
    await write([
      {
        table: 'notes',
        id: 'n',
        op: 'update',
        fields: { title: 'enc:2:AA.BB' },
        instead: { title: 'enc:1:AA.BB' },
      },
    ]);
    expect((await db.records.get(['notes', 'n']))!.view).toEqual(view);
    expect(await db.outbox.count()).toBe(1);
  });
});
