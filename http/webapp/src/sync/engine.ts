// Keeps this device and the log equal while a session is open. Any tab may run a round, one at a time; one of them, the
// leader, holds the WebSocket, watches the outbox, and comes back after failures. When its tab is closed the next one
// leads.
import { addressOf, api } from '$lib/api/client';
import { ApiError, asApiError } from '$lib/api/request';
import { syncedApps } from '$lib/modules/registry';
import { asLeader, exclusively } from '$lib/session/locks';
import { session } from '$lib/session/session';
import { onTabMessage, tellTabs } from '$lib/session/tabs';
import { accessToken, tokenRefused } from '$lib/session/token';
import { database, db as signedIn, stored, type ManaDb } from '$lib/store/db';
import Dexie from 'dexie';
import { derived, get, readable, writable, type Readable } from 'svelte/store';
import type { Page } from './apply';
import { retryDelayMs } from './backoff';
import { appsToPush, resendUnseen, syncApp, type Transport } from './round';
import { keepSocket } from './socket';
import type { Activity, SyncState } from './state';

export type { SyncState } from './state';

// -- what others see ------------------------------------------------------------------------------------------------

interface Doing {
  activity: Activity;
  error?: ApiError;
}
const doing = writable<Doing>({ activity: 'idle' });

interface Counts {
  pending: number;
  parked: number;
  lastSyncedAt?: string;
}
const none: Counts = { pending: 0, parked: 0 };

async function count(db: ManaDb): Promise<Counts> {
  const parked = await db.outbox.where('status').equals('parked').count();
  const waiting = await db.outbox.where('status').equals('waiting').count();
  const last = await db.settings.get('lastSyncedAt');
  return { pending: parked + waiting, parked, lastSyncedAt: last?.value as string | undefined };
}

const counts: Readable<Counts> = readable(none, (set) => {
  let stop = () => {};
  const unwatch = database.subscribe((current) => {
    stop();
    if (!current) return set(none);
    const subscription = Dexie.liveQuery(() => count(current)).subscribe({
      next: set,
      error: () => undefined,
    });
    stop = () => subscription.unsubscribe();
  });
  return () => {
    stop();
    unwatch();
  };
});

export const syncState: Readable<SyncState> = derived([doing, counts], ([{ activity, error }, known]) => ({
  state: activity,
  ...known,
  ...(error && { error }),
}));

const listeners = new Set<(tables: Set<string>) => void>();

/** After a round that brought changes, in whichever tab it ran. The answer stops it. */
export function onApplied(cb: (tables: Set<string>) => void): () => void {
  listeners.add(cb);
  return () => void listeners.delete(cb);
}

const announce = (tables: Set<string>): void => {
  for (const cb of [...listeners]) cb(tables);
};

// Of a session that has ended nothing is shown any more.
const isCurrent = (db: ManaDb): boolean => get(session).userId === db.userId;

function show(db: ManaDb, activity: Activity, error?: ApiError): void {
  if (!isCurrent(db)) return;
  doing.set({ activity, error });
  const plain = error && { status: error.status, code: error.code, detail: error.message };
  tellTabs({ type: 'sync', userId: db.userId, activity, error: plain });
}

onTabMessage((m) => {
  if (m.type === 'sync' && m.userId === get(session).userId) {
    const error = m.error && new ApiError(m.error.status, m.error.code, m.error.detail);
    doing.set({ activity: m.activity, error });
  }
  if (m.type === 'applied' && m.userId === get(session).userId) announce(new Set(m.tables));
});

// -- rounds ---------------------------------------------------------------------------------------------------------

const pageLimit = 1000;

const transportOf = ({ userId }: ManaDb): Transport => ({
  push: (app, body) => api<Page>('POST', `/sync/${app}`, body, { userId }),
  pull: (app, since) =>
    api<Page>('GET', `/sync/${app}/pull?since=${encodeURIComponent(since)}&limit=${pageLimit}`, undefined, {
      userId,
    }),
});

// Trouble that every app would have.
const concernsAll = (e: ApiError): boolean => e.status === 0 || e.status === 401 || e.status === 429;

async function syncApps(db: ManaDb, apps: readonly string[]): Promise<void> {
  const transport = transportOf(db);
  const tables = new Set<string>();
  let failed: ApiError | undefined;
  try {
    for (const app of apps) {
      try {
        for (const table of await syncApp(db, transport, app)) tables.add(table);
      } catch (e) {
        failed ??= asApiError(e);
        if (concernsAll(asApiError(e))) break;
      }
    }
  } finally {
    if (tables.size > 0 && isCurrent(db)) {
      announce(tables);
      tellTabs({ type: 'applied', userId: db.userId, tables: [...tables] });
    }
  }
  if (failed) throw failed;
}

const activityOf = (e: ApiError): Activity =>
  e.code === 'OFFLINE' || e.code === 'TIMEOUT' ? 'offline' : 'error';

/** `apps`: undefined is all of them; those with changes to push always are among them. Throws an ApiError. */
async function round(db: ManaDb, apps?: ReadonlySet<string>): Promise<void> {
  await exclusively(`mana-sync-round-${db.userId}`, async () => {
    show(db, 'syncing');
    try {
      await syncApps(db, [...new Set([...(await appsToPush(db)), ...(apps ?? syncedApps)])]);
      await stored(() => db.settings.put({ key: 'lastSyncedAt', value: new Date().toISOString() }));
      show(db, 'idle');
    } catch (thrown) {
      const e = asApiError(thrown);
      show(db, activityOf(e), e);
      throw e;
    }
  });
}

/** Everything, now, in this tab. Throws an ApiError; nothing happens while no session is open. */
export async function syncNow(): Promise<void> {
  if (get(session).phase === 'open') await round(signedIn);
}

// -- the leader -----------------------------------------------------------------------------------------------------

// Without the WebSocket; with it only in case that a word of it was lost.
const pollMs = 60_000;
const rarePollMs = 600_000;

class Leader {
  private all = true;
  private readonly apps = new Set<string>();
  private running = false;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private ended = false;
  private newWork = false;
  private connected = false;
  private lastAll = 0;

  constructor(private readonly db: ManaDb) {}

  async lead(signal: AbortSignal): Promise<void> {
    await resendUnseen(this.db);
    const everything = () => this.wantAll();
    const shown = () => document.visibilityState === 'visible' && this.pollIfDue(true);
    const poll = setInterval(() => this.pollIfDue(), pollMs / 4);
    globalThis.addEventListener?.('online', everything);
    globalThis.document?.addEventListener('visibilitychange', shown);
    const outbox = Dexie.liveQuery(() =>
      this.db.outbox.where('status').equals('waiting').primaryKeys(),
    ).subscribe({
      next: (keys) => keys.length > 0 && this.wantPush(),
      error: () => undefined,
    });
    this.wantAll();
    await keepSocket(this.hooks(), signal);
    this.ended = true;
    clearInterval(poll);
    clearTimeout(this.retry);
    globalThis.removeEventListener?.('online', everything);
    globalThis.document?.removeEventListener('visibilitychange', shown);
    outbox.unsubscribe();
  }

  private hooks() {
    return {
      url: async () => new URL(await addressOf('/ws'), location.href).href.replace(/^http/, 'ws'),
      token: () => accessToken(this.db.userId),
      tokenRefused,
      ready: () => {
        this.connected = true;
        this.wantAll();
      },
      broken: () => void (this.connected = false),
      available: (app: string) => this.want(app),
    };
  }

  // A tab that was asleep may hold a connection that is long dead: when it is looked at again, the shorter time counts.
  private pollIfDue(shown = false): void {
    const due = this.connected && !shown ? rarePollMs : pollMs;
    if (Date.now() - this.lastAll > due) this.wantAll();
  }
  private wantAll(): void {
    this.all = true;
    void this.work();
  }
  private want(app: string): void {
    if (app === '*') return this.wantAll();
    if (!syncedApps.includes(app)) return;
    this.apps.add(app);
    void this.work();
  }
  private wantPush(): void {
    this.newWork = true;
    // After a failure the retry comes anyway; each keystroke must not bring another attempt.
    if (this.failures === 0) void this.work();
  }

  private async work(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = true;
    clearTimeout(this.retry);
    try {
      while (!this.ended && (this.all || this.newWork || this.apps.size > 0)) await this.workOnce();
    } finally {
      this.running = false;
    }
  }

  private async workOnce(): Promise<void> {
    const [all, apps] = [this.all, new Set(this.apps)];
    if (all) this.lastAll = Date.now();
    this.all = this.newWork = false;
    this.apps.clear();
    try {
      await round(this.db, all ? undefined : apps);
      this.failures = 0;
    } catch (thrown) {
      this.failures++;
      if (this.ended) return;
      this.retry = setTimeout(() => this.wantAll(), retryDelayMs(this.failures, asApiError(thrown)));
    }
  }
}

/** For as long as the app runs: follows the session. The answer stops it. */
export function startSync(): () => void {
  let current: AbortController | undefined;
  let syncing: string | undefined;
  const stop = () => {
    current?.abort();
    current = syncing = undefined;
  };
  const unwatch = session.subscribe(({ phase, userId, expired }) => {
    const wanted = phase === 'open' && !expired ? userId : undefined;
    if (wanted === syncing) return;
    stop();
    if (expired) doing.set({ activity: 'error', error: new ApiError(401, 'UNAUTHORIZED') });
    else doing.set({ activity: 'idle' });
    if (wanted === undefined) return;
    const controller = new AbortController();
    [current, syncing] = [controller, wanted];
    const db = signedIn;
    const leader = new Leader(db);
    asLeader(`mana-sync-${wanted}`, controller.signal, () => leader.lead(controller.signal)).catch((e) =>
      show(db, 'error', asApiError(e)),
    );
  });
  return () => {
    unwatch();
    stop();
  };
}
