// What a tab does when another one says something.
import { forgetConfig } from '$lib/api/config';
import { ApiError } from '$lib/api/request';
import { api } from '$lib/api/client';
import { initVault, register, session, signOut, startSession } from '$lib/session/session';
import type { TabMessage } from '$lib/session/tabs';
import { onApplied, syncState } from '$lib/sync/engine';
import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../store/helpers';
import { installStorage, Service } from './service';

let service: Service;
let storage: Map<string, string>;
let other: BroadcastChannel;
const say = (message: TabMessage) => other.postMessage(message);

beforeEach(async () => {
  storage = installStorage();
  forgetConfig();
  service = new Service();
  service.install();
  other = new BroadcastChannel('mana');
  await startSession();
  await register('anna', 'geheim');
});
afterEach(async () => {
  other.close();
  await signOut({ discard: true });
  vi.unstubAllGlobals();
});

describe('another tab', () => {
  it('has made the vault', async () => {
    expect(get(session).phase).toBe('no-vault');
    service.users.get('anna')!.masterKey = btoa('k'.repeat(32));
    say({ type: 'keys' });
    await until(session, (s) => s.phase === 'open');
  });
  it('has signed out', async () => {
    await initVault();
    storage.delete('mana.person');
    say({ type: 'session', userId: undefined });
    await until(session, (s) => s.phase === 'signed-out');
  });
  it('has given the password again', async () => {
    await initVault();
    const { cookie } = service;
    service.endSessions();
    await expect(api('GET', '/api/v1/me/missions')).rejects.toBeInstanceOf(ApiError);
    expect(get(session).expired).toBe(true);
    await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: {},
      body: '{"name":"anna","password":"geheim"}',
    });
    expect(service.cookie).not.toBe(cookie);
    say({ type: 'session', userId: get(session).userId });
    await until(session, (s) => !s.expired);
    await api('GET', '/api/v1/me/missions');
  });
  it('syncs, and this one shows it', async () => {
    await initVault();
    const { userId } = get(session);
    const heard: string[][] = [];
    const deaf = onApplied((tables) => heard.push([...tables]));
    say({ type: 'applied', userId: 'somebody else', tables: ['places'] });
    say({ type: 'applied', userId: userId!, tables: ['notes'] });
    const error = { status: 503, code: 'OVERLOADED', detail: 'later' };
    say({ type: 'sync', userId: userId!, activity: 'error', error });
    const shown = await until(syncState, (s) => s.state === 'error');
    expect(shown.error).toBeInstanceOf(ApiError);
    expect(shown.error).toMatchObject({ status: 503, code: 'OVERLOADED', message: 'later' });
    expect(heard).toEqual([['notes']]);
    say({ type: 'sync', userId: userId!, activity: 'idle' });
    await until(syncState, (s) => s.state === 'idle' && s.error === undefined);
    deaf();
  });
});
