import { api } from '$lib/api/client';
import { forgetConfig } from '$lib/api/config';
import { ApiError } from '$lib/api/request';
import { masterKeys } from '$lib/crypto/keys';
import {
  disableZeroKnowledge,
  enableZeroKnowledge,
  initVault,
  register,
  session,
  signIn,
  signOut,
  startSession,
  unlock,
  unsyncedChanges,
  type SessionState,
} from '$lib/session/session';
import { tokenOwner } from '$lib/session/token';
import { db } from '$lib/store/db';
import { insert, readAll } from '$lib/store/records';
import Dexie from 'dexie';
import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../store/helpers';
import { installStorage, Service } from './service';

let service: Service;
beforeEach(async () => {
  installStorage();
  forgetConfig();
  service = new Service();
  service.install();
  await startSession();
});
afterEach(async () => {
  await signOut({ discard: true });
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const phase = () => get(session).phase;
const reached = (wanted: SessionState['phase']) => until(session, (s) => s.phase === wanted);

async function anna(): Promise<void> {
  await register('anna', 'geheim');
  await initVault();
}
/** The tab is closed and another one opened: nothing in memory is left. */
async function reopened(): Promise<void> {
  tokenOwner(undefined);
  db.close();
  await startSession();
}

describe('a new user', () => {
  it('signs up, makes a vault, and is in', async () => {
    expect(phase()).toBe('signed-out');
    await register('anna', 'geheim');
    expect(get(session)).toMatchObject({
      phase: 'no-vault',
      name: 'anna',
      zeroKnowledge: false,
      expired: false,
    });
    await initVault();
    expect(get(session)).toMatchObject({ phase: 'open', userId: service.users.get('anna')!.userId });
    expect(db.userId).toBe(service.users.get('anna')!.userId);
  });
  it('hears of a name that is taken and of a wrong password', async () => {
    await anna();
    await expect(register('anna', 'x')).rejects.toMatchObject({ status: 409, code: 'NAME_TAKEN' });
    await expect(signIn('anna', 'falsch')).rejects.toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    expect(phase()).toBe('open');
  });
  it('gets the vault that a lost answer made', async () => {
    await register('anna', 'geheim');
    service.lose.push('/api/v1/me/encryption-vault/init');
    await expect(initVault()).rejects.toMatchObject({ code: 'OFFLINE' });
    await initVault();
    expect(phase()).toBe('open');
  });
});

describe('keys', () => {
  it('are kept so that no script can read them', async () => {
    await anna();
    const row = (await db.keys.get('master'))!;
    expect([row.derive.extractable, row.legacy.extractable]).toEqual([false, false]);
    const { masterKey } = service.users.get('anna')!;
    const tables = db.tables.filter((t) => t.name !== 'keys');
    expect(JSON.stringify(await Promise.all(tables.map((t) => t.toArray())))).not.toContain(masterKey);
  });
  it('are fetched anew when they were rotated', async () => {
    await anna();
    const before = (await db.keys.get('master'))!.derive;
    Object.assign(service.users.get('anna')!, { rotatedAt: '2026-05-01T00:00:00.000Z' });
    await reopened();
    await vi.waitUntil(
      async () => (await db.keys.get('master'))?.rotatedAt === '2026-05-01T00:00:00.000Z',
      60_000,
    );
    expect(masterKeys().derive).not.toBe(before);
    expect(phase()).toBe('open');
  });
});

describe('starting', () => {
  it('works without the network', async () => {
    await anna();
    await insert('notes', { title: 'da' });
    service.online = false;
    await reopened();
    expect(phase()).toBe('open');
    expect(await readAll('notes')).toMatchObject([{ title: 'da' }]);
    await expect(api('GET', '/api/v1/me/ai-audit')).rejects.toMatchObject({ status: 0, code: 'OFFLINE' });
    expect(get(session).expired).toBe(false);
  });
  it('waits for the network where nothing is here yet, and then goes on', async () => {
    await anna();
    await db.keys.clear();
    service.online = false;
    await reopened();
    expect(get(session)).toMatchObject({ phase: 'starting', error: { code: 'OFFLINE' } });
    service.online = true;
    await startSession();
    expect(get(session).error).toBeUndefined();
    expect(phase()).toBe('open');
  });
  it('does not finish after a sign-out', async () => {
    await anna();
    await db.keys.clear();
    let goOn = () => {};
    const asked = new Promise<void>((resolve) => {
      service.before = ({ path }) => {
        if (!path.endsWith('/key')) return;
        resolve();
        return new Promise<void>((r) => void (goOn = r));
      };
    });
    const starting = reopened();
    await asked;
    await signOut();
    goOn();
    await starting;
    expect(phase()).toBe('signed-out');
    expect(() => masterKeys()).toThrow('the session is not open');
  });
});

describe('zero-knowledge', () => {
  const newCode = async () => {
    const made = await enableZeroKnowledge();
    return { ...made, confirm: made.confirm };
  };
  it('needs the code to be typed before it counts', async () => {
    await anna();
    const { code, confirm } = await newCode();
    const user = service.users.get('anna')!;
    await expect(confirm(code.replace(/^./, (c) => (c === '0' ? '1' : '0')))).rejects.toMatchObject({
      code: 'RECOVERY_CODE_WRONG',
    });
    await expect(confirm('abc')).rejects.toMatchObject({ code: 'RECOVERY_CODE_MALFORMED' });
    expect(user.recovery).toBeUndefined();
    await confirm(code.toLowerCase());
    expect(user.masterKey).toBeUndefined();
    expect(get(session)).toMatchObject({ phase: 'open', zeroKnowledge: true, hasRecovery: true });
    await expect(enableZeroKnowledge()).rejects.toMatchObject({ code: 'ZK_ACTIVE' });
  });
  it('locks a new device until the code is there, and opens the same records', async () => {
    await anna();
    const { masterKey } = service.users.get('anna')!;
    const { code, confirm } = await newCode();
    await confirm(code);
    await signOut();
    await signIn('anna', 'geheim');
    expect(get(session)).toMatchObject({ phase: 'locked', zeroKnowledge: true, hasRecovery: true });
    await expect(unlock('abc')).rejects.toMatchObject({ code: 'RECOVERY_CODE_MALFORMED' });
    await expect(unlock('00'.repeat(32))).rejects.toMatchObject({ code: 'RECOVERY_CODE_WRONG' });
    expect(phase()).toBe('locked');
    await unlock(code);
    expect(phase()).toBe('open');
    await expect(disableZeroKnowledge('00'.repeat(32))).rejects.toMatchObject({
      code: 'RECOVERY_CODE_WRONG',
    });
    await disableZeroKnowledge(code);
    expect(service.users.get('anna')!.masterKey).toBe(masterKey);
    expect(get(session).zeroKnowledge).toBe(false);
  });
});

describe('tokens', () => {
  it('are refreshed once when the service does not take one, however many calls wait', async () => {
    await anna();
    service.forgetTokens();
    service.calls = [];
    await Promise.all([1, 2, 3].map(() => api('GET', '/api/v1/me/ai-audit')));
    expect(service.paths().filter((p) => p.endsWith('/refresh'))).toHaveLength(1);
    expect(get(session).expired).toBe(false);
  });
  it('are refreshed before they end, by the time they live and not by the clock', async () => {
    await anna();
    service.calls = [];
    await api('GET', '/api/v1/me/ai-audit');
    expect(service.paths()).toEqual(['GET /api/v1/me/ai-audit']);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 880_000 });
    await api('GET', '/api/v1/me/ai-audit');
    expect(service.paths().filter((p) => p.endsWith('/refresh'))).toHaveLength(1);
  });
  it('that cannot be refreshed leave the app as without the network, until the password is there', async () => {
    await anna();
    await insert('notes', { title: 'a' });
    service.endSessions();
    await expect(api('GET', '/api/v1/me/ai-audit')).rejects.toMatchObject({ status: 401 });
    expect(get(session)).toMatchObject({ phase: 'open', expired: true });
    await insert('notes', { title: 'b' });
    await signIn('anna', 'geheim');
    expect(get(session)).toMatchObject({ phase: 'open', expired: false });
    expect(await readAll('notes')).toHaveLength(2);
    await api('GET', '/api/v1/me/ai-audit');
  });
  it('of somebody else are never used for this user', async () => {
    await anna();
    const { cookie } = service;
    await fetch('/api/v1/auth/register', {
      method: 'POST',
      headers: {},
      body: JSON.stringify({ name: 'ben', password: 'x' }),
    });
    await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: {},
      body: JSON.stringify({ name: 'ben', password: 'x' }),
    });
    expect(service.cookie).not.toBe(cookie);
    service.forgetTokens();
    await expect(api('POST', '/sync/notes', {})).rejects.toMatchObject({ status: 401 });
    expect(get(session)).toMatchObject({ phase: 'open', name: 'anna', expired: true });
    await expect(api('POST', '/sync/notes', {}, { userId: 'ben' })).rejects.toMatchObject({ status: 401 });
  });
});

describe('signing out', () => {
  const databases = async () => (await Dexie.getDatabaseNames()).filter((n) => n.startsWith('mana-anna'));
  it('removes everything from the device', async () => {
    await anna();
    expect(await databases()).toHaveLength(1);
    expect(await signOut()).toEqual({ done: true, unsynced: 0 });
    expect(await databases()).toEqual([]);
    expect(phase()).toBe('signed-out');
    expect(service.cookie).toBeUndefined();
    await startSession();
    expect(phase()).toBe('signed-out');
  });
  it('says how many changes it would lose, and loses them only when told to', async () => {
    await anna();
    await insert('notes', { title: 'a' });
    await insert('notes', { title: 'b' });
    expect(await signOut()).toEqual({ done: false, unsynced: 2 });
    expect(await unsyncedChanges()).toBe(2);
    expect(phase()).toBe('open');
    expect(await signOut({ discard: true })).toMatchObject({ done: true });
    expect(await databases()).toEqual([]);
  });
  it('is finished at the next start where the tab was closed in its midst', async () => {
    await anna();
    const deleting = vi.spyOn(Dexie, 'delete').mockRejectedValue(new Error('the tab is closed'));
    await expect(signOut()).rejects.toThrow('the tab is closed');
    expect(await databases()).toHaveLength(1);
    deleting.mockRestore();
    await startSession();
    expect([phase(), await databases()]).toEqual(['signed-out', []]);
  });
  it('without the network is made up for at the next start', async () => {
    await anna();
    service.online = false;
    await signOut();
    expect([phase(), await databases()]).toEqual(['signed-out', []]);
    expect(service.cookie).toBeDefined();
    service.online = true;
    await startSession();
    expect(service.cookie).toBeUndefined();
  });
});

describe('another user in the same browser', () => {
  it('sees nothing of the first, who finds everything again', async () => {
    await anna();
    const annas = get(session).userId!;
    await insert('notes', { title: 'von Anna' });
    service.endSessions();
    await register('ben', 'x');
    await initVault();
    expect(get(session)).toMatchObject({ phase: 'open', name: 'ben' });
    expect(await readAll('notes')).toEqual([]);
    expect(await new Dexie(`mana-${annas}`).open().then((d) => d.table('keys').count())).toBe(0);
    await signIn('anna', 'geheim');
    await reached('open');
    expect(await readAll('notes')).toMatchObject([{ title: 'von Anna' }]);
    expect(await unsyncedChanges()).toBe(1);
    await signOut({ discard: true });
    await signIn('ben', 'x');
  });
});

describe('calls', () => {
  it('say what went wrong', async () => {
    await anna();
    const answers = (response: Response) => vi.stubGlobal('fetch', async () => response);
    answers(
      new Response('{"error":"later","code":"RATE_LIMITED"}', {
        status: 429,
        headers: { 'Retry-After': '7' },
      }),
    );
    const e = await api('GET', '/api/v1/me/missions').catch((x: unknown) => x as ApiError);
    expect(e).toBeInstanceOf(ApiError);
    expect(e).toMatchObject({ status: 429, code: 'RATE_LIMITED', retryAfterMs: 7000, message: 'later' });
    answers(new Response('<html>', { status: 502 }));
    await expect(api('GET', '/api/v1/me/missions')).rejects.toMatchObject({
      status: 502,
      code: 'UNEXPECTED',
    });
    answers(new Response('<html>'));
    await expect(api('GET', '/api/v1/me/missions')).rejects.toMatchObject({ code: 'UNEXPECTED' });
    vi.stubGlobal('fetch', (_: string, { signal }: RequestInit) => {
      return new Promise((_resolve, reject) => {
        if (signal!.aborted) reject(new Error('aborted'));
        signal!.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    await expect(api('GET', '/x', undefined, { timeoutMs: 1 })).rejects.toMatchObject({
      status: 0,
      code: 'TIMEOUT',
    });
    const giveUp = new AbortController();
    const waiting = api('GET', '/x', undefined, { signal: giveUp.signal });
    giveUp.abort();
    await expect(waiting).rejects.not.toBeInstanceOf(ApiError);
    service.install();
  });
});
