import { ApiError } from '$lib/api/request';
import { closeDatabase, database, db, deleteDatabase, openDatabase, stored } from '$lib/store/db';
import { insert } from '$lib/store/records';
import Dexie from 'dexie';
import { get } from 'svelte/store';
import { describe, expect, it, vi } from 'vitest';
import { aUser } from './helpers';

describe('a storage', () => {
  it('that is full says so, and nothing is written by halves', async () => {
    const user = await aUser();
    const full = Object.assign(new Error('full'), { name: 'QuotaExceededError' });
    const adding = vi.spyOn(db.records, 'put').mockImplementation(() => Dexie.Promise.reject(full) as never);
    await expect(insert('places', { name: 'a' })).rejects.toMatchObject({ status: 0, code: 'STORAGE_FULL' });
    adding.mockRestore();
    expect(await db.outbox.count()).toBe(0);
    await user.end();
  });
  it('that is full when the transaction ends says so too', async () => {
    const inner = Object.assign(new Error('full'), { name: 'QuotaExceededError' });
    const aborted = Object.assign(new Error('aborted'), { name: 'AbortError', inner });
    await expect(stored(() => Promise.reject(aborted))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const other = new Error('something else');
    await expect(stored(() => Promise.reject(other))).rejects.toBe(other);
  });
  it('that is missing says so', async () => {
    const opening = vi.spyOn(Dexie.prototype, 'open').mockImplementation(() => {
      return Dexie.Promise.reject(new Dexie.MissingAPIError('no IndexedDB')) as never;
    });
    const e = await openDatabase('nobody').catch((x: unknown) => x);
    expect(e).toBeInstanceOf(ApiError);
    expect(e).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    opening.mockRestore();
  });
});

describe('databases', () => {
  it('are one per user', async () => {
    await openDatabase('a');
    await db.settings.put({ key: 'x', value: 1 });
    await openDatabase('b');
    expect(await db.settings.count()).toBe(0);
    expect(get(database)).toBe(db);
    await openDatabase('a');
    expect(await db.settings.get('x')).toMatchObject({ value: 1 });
    closeDatabase();
    expect(get(database)).toBeUndefined();
    await deleteDatabase('a');
    await deleteDatabase('b');
    expect(await Dexie.exists('mana-a')).toBe(false);
  });
});
