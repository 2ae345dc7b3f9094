import { ApiError } from '$lib/api/request';
import { forgetConfig } from '$lib/api/config';
import { initVault, register, session, signIn, signOut, startSession } from '$lib/session/session';
import { db } from '$lib/store/db';
import { insert, live, readAll } from '$lib/store/records';
import type { PushBody } from '$lib/sync/round';
import { onApplied, startSync, syncNow, syncState } from '$lib/sync/engine';
import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { installStorage, Service, type Answer, type Call } from '../session/service';
import { until } from '../store/helpers';
import { Server } from './server';

class FakeSocket {
  static all: FakeSocket[] = [];
  static accept = true;
  sent: { type: string; token: string }[] = [];
  onopen: () => void = () => undefined;
  onmessage: (e: { data: string }) => void = () => undefined;
  onclose: (e: { code: number }) => void = () => undefined;
  private closed = false;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
    queueMicrotask(() => this.onopen());
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
    if (FakeSocket.accept) this.say({ type: 'auth-ok' });
    else this.end(4401);
  }
  say(message: unknown): void {
    queueMicrotask(() => this.onmessage({ data: JSON.stringify(message) }));
  }
  end(code: number): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.onclose({ code }));
  }
  close(): void {
    this.end(1000);
  }
}

let service: Service;
let log: Server;
let stop: () => void;
let trouble: Answer | undefined;

async function syncRoutes({ method, path, body }: Call): Promise<Answer> {
  if (trouble) return trouble;
  const url = new URL(path, 'http://app.test');
  const app = url.pathname.split('/')[2]!;
  try {
    if (method === 'POST') return [200, await log.push(app, body as unknown as PushBody)];
    return [200, await log.pull(app, url.searchParams.get('since') ?? '')];
  } catch (e) {
    const { status, code, message } = e as ApiError;
    return [status, { error: message, code }];
  }
}

beforeEach(async () => {
  installStorage();
  forgetConfig();
  FakeSocket.all = [];
  FakeSocket.accept = true;
  trouble = undefined;
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('location', { href: 'https://app.test/' });
  service = new Service();
  log = new Server();
  service.others = syncRoutes;
  service.install();
  await startSession();
  await register('anna', 'geheim');
  await initVault();
});
afterEach(async () => {
  stop?.();
  await signOut({ discard: true });
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const socketReady = () => vi.waitUntil(() => FakeSocket.all.some((s) => s.sent.length > 0), 60_000);
const settled = () =>
  until(syncState, (s) => s.state === 'idle' && s.pending === 0 && s.lastSyncedAt !== undefined);
const byOther = (id: string) =>
  log.commit(
    log.begin('places', 'other', [
      { table: 'places', id, eventId: crypto.randomUUID(), op: 'insert', data: { name: id } },
    ]),
  );

describe('the engine', () => {
  it('brings everything in at the start, and the WebSocket is told who it is', async () => {
    byOther('p');
    stop = startSync();
    await until(live('places'), (all) => all.length === 1);
    await socketReady();
    expect(FakeSocket.all[0]!.url).toBe('wss://app.test/ws');
    expect(FakeSocket.all[0]!.sent).toEqual([{ type: 'auth', token: expect.any(String) }]);
    await settled();
  });
  it('pushes what is written, by itself', async () => {
    stop = startSync();
    await settled();
    await insert('places', { id: 'p', name: 'a' });
    await vi.waitUntil(() => log.log.length === 1, 60_000);
    await settled();
    expect(await db.outbox.count()).toBe(0);
  });
  it('pulls the app that the service names, and tells who listens', async () => {
    stop = startSync();
    await socketReady();
    await settled();
    const heard: string[][] = [];
    const deaf = onApplied((tables) => heard.push([...tables]));
    byOther('p');
    service.calls = [];
    FakeSocket.all[0]!.say({ type: 'sync-available', appId: 'places', tables: ['places'] });
    await until(live('places'), (all) => all.length === 1);
    await vi.waitUntil(() => heard.length > 0, 60_000);
    expect(heard).toEqual([['places']]);
    deaf();
  });
  it('connects again, with another token where the last was refused', async () => {
    FakeSocket.accept = false;
    stop = startSync();
    await socketReady();
    FakeSocket.accept = true;
    await vi.waitUntil(() => FakeSocket.all.length > 1 && FakeSocket.all[1]!.sent.length > 0, 60_000);
    const [first, second] = FakeSocket.all;
    expect(second!.sent[0]!.token).not.toBe(first!.sent[0]!.token);
    byOther('p');
    second!.end(1006);
    await until(live('places'), (all) => all.length === 1);
  });
  it('keeps changes while offline, says so, and goes on when there is a network', async () => {
    service.online = false;
    stop = startSync();
    await insert('places', { name: 'a' });
    const offline = await until(syncState, (s) => s.state === 'offline' && s.pending === 1);
    expect(offline.error).toMatchObject({ code: 'OFFLINE' });
    service.online = true;
    await syncNow();
    await settled();
    expect(log.log).toHaveLength(1);
  });
  it('comes back by itself after trouble of the service', async () => {
    trouble = [503, { error: 'later', code: 'OVERLOADED' }];
    stop = startSync();
    await insert('places', { name: 'a' });
    await until(syncState, (s) => s.state === 'error' && s.error?.code === 'OVERLOADED');
    trouble = undefined;
    await vi.waitUntil(() => log.log.length === 1, 60_000);
    await settled();
  });
  it('tries the other apps where one has trouble', async () => {
    byOther('p');
    service.others = (call) =>
      call.path.startsWith('/sync/notes') ? [500, { error: 'x', code: 'INTERNAL' }] : syncRoutes(call);
    await expect(syncNow()).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await readAll('places')).toHaveLength(1);
  });
  it('stops with an ended session, and goes on when the password was given', async () => {
    stop = startSync();
    await settled();
    service.endSessions();
    await insert('places', { name: 'a' });
    await until(session, (s) => s.expired);
    await until(syncState, (s) => s.error?.code === 'UNAUTHORIZED' && s.pending === 1);
    await signIn('anna', 'geheim');
    await settled();
    expect(log.log).toHaveLength(1);
  });
  it('gets a new token in the middle of a round', async () => {
    log.pageSize = 1;
    for (let n = 0; n < 4; n++) byOther(`p${n}`);
    let pulls = 0;
    service.others = (call) => {
      if (++pulls === 2) service.forgetTokens();
      return syncRoutes(call);
    };
    await syncNow();
    expect(await readAll('places')).toHaveLength(4);
    expect(get(session).expired).toBe(false);
  });
  it('does nothing while nobody is in', async () => {
    await signOut({ discard: true });
    service.calls = [];
    stop = startSync();
    await syncNow();
    expect(service.calls).toEqual([]);
    expect(get(syncState)).toMatchObject({ state: 'idle', pending: 0, parked: 0 });
  });
});
