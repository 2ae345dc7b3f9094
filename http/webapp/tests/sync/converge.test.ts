// Several devices, whose clocks differ, on one log, through every kind of trouble: in the end all show the same, and
// that is what the log says; no change is lost, none is there twice.
import { ApiError } from '$lib/api/request';
import { applyChange, fieldsOf, isComplete, nothingKnown } from '$lib/model/merge';
import { changeOfServer } from '$lib/store/change';
import { ManaDb } from '$lib/store/db';
import { NoSuchRecord, write, type Intent } from '$lib/store/writing';
import type { Page } from '$lib/sync/apply';
import { resendUnseen, syncApp, type PushBody, type Transport } from '$lib/sync/round';
import Dexie from 'dexie';
import { describe, expect, it } from 'vitest';
import { Random, seed } from '../random';
import { Server } from './server';

const apps = { places: 'places', aiMissions: 'ai' } as const;
const tables = Object.keys(apps) as (keyof typeof apps)[];
const ids = ['a', 'b', 'c', 'd'];
const startMs = Date.UTC(2026, 3, 15, 10);

class Device implements Transport {
  readonly db = new ManaDb(`converge-${crypto.randomUUID()}`);
  readonly made: string[] = [];
  private step = 0;
  constructor(
    private readonly random: Random,
    private readonly server: Server,
    private readonly skewMs: number,
  ) {}

  // -- trouble ------------------------------------------------------------------------------------------------------

  calm = false;
  private trouble(): boolean {
    return !this.calm && this.random.chance(0.2);
  }
  async push(app: string, body: PushBody): Promise<Page> {
    if (this.trouble()) throw new ApiError(0, 'OFFLINE');
    if (this.trouble()) {
      // The answer is lost; the service may be at it for a while yet.
      const transaction = this.server.begin(app, body.clientId, body.changes);
      if (this.random.chance(0.5)) this.server.commit(transaction);
      throw new ApiError(0, 'TIMEOUT');
    }
    return this.server.push(app, body);
  }
  async pull(app: string, since: string): Promise<Page> {
    if (this.trouble()) throw new ApiError(503, 'DATABASE_UNAVAILABLE');
    const page = await this.server.pull(app, since);
    if (this.trouble()) throw new ApiError(0, 'OFFLINE');
    // Rows in another order, and some of them twice.
    if (this.trouble())
      page.serverChanges = this.random.shuffled([...page.serverChanges, ...page.serverChanges]);
    return page;
  }

  // -- life ---------------------------------------------------------------------------------------------------------

  private fields(table: string): Record<string, unknown> {
    const n = `${this.skewMs}-${this.step}`;
    if (table === 'places') return this.random.chance(0.5) ? { name: n } : { name: n, category: n };
    const iterations = [{ id: `i${this.random.below(4)}`, startedAt: new Date(startMs).toISOString(), n }];
    return this.random.pick([
      { iterations },
      { 'cadence.everyMinutes': this.step },
      { cadence: { kind: 'interval', everyMinutes: this.step } },
      { title: n, iterations },
    ]);
  }
  async edit(): Promise<void> {
    this.step++;
    const [table, id] = [this.random.pick(tables), this.random.pick(ids)];
    const dice = this.random.below(12);
    const fields = this.fields(table);
    const plain = Object.fromEntries(Object.entries(fields).filter(([path]) => !path.includes('.')));
    const intent: Intent =
      dice < 3
        ? { table, id, op: 'insert', fields: plain }
        : dice < 9
          ? { table, id, op: 'update', fields }
          : { table, id, op: dice === 9 ? 'hide' : dice === 10 ? 'unhide' : 'remove' };
    const now = new Date(startMs + this.skewMs + this.step * 1000);
    try {
      await write([intent], { kind: 'user' }, { db: this.db, now });
    } catch (e) {
      if (!(e instanceof NoSuchRecord)) throw e;
    }
    for (const c of await this.db.outbox.toArray())
      if (!this.made.includes(c.eventId)) this.made.push(c.eventId);
  }
  async sync(app: string): Promise<void> {
    await syncApp(this.db, this, app).catch((e) => {
      if (!(e instanceof ApiError)) throw e;
    });
  }
  /** The tab is closed and opened again. */
  async restart(): Promise<void> {
    this.db.close();
    await this.db.open();
    await resendUnseen(this.db);
  }
  async shown(): Promise<Record<string, unknown>> {
    const rows = await this.db.records.toArray();
    return Object.fromEntries(rows.filter((r) => r.complete).map((r) => [`${r.table}:${r.id}`, r.view]));
  }
}

function byTheLog(server: Server): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const table of tables)
    for (const id of ids) {
      const rows = server.log.filter((r) => r.table === table && r.id === id);
      const state = rows.reduce((s, r) => applyChange(s, table, changeOfServer(r)), nothingKnown());
      if (isComplete(state)) out[`${table}:${id}`] = fieldsOf(state, table, id);
    }
  return out;
}

async function life(random: Random): Promise<void> {
  const server = new Server();
  const skews = [0, 3_600_000, -7_200_000];
  const devices = skews.map((skew) => new Device(random, server, skew));
  let runs = 0;
  for (let step = 0; step < 120; step++) {
    server.pageSize = 1 + random.below(6);
    server.tick(random.below(3000));
    const device = random.pick(devices);
    const dice = random.below(20);
    if (dice < 9) await device.edit();
    else if (dice < 16) await device.sync(random.pick(Object.values(apps)));
    else if (dice < 17) await device.restart();
    else if (dice < 18) server.commitAll();
    else {
      const iteration = { id: `r${runs++}`, startedAt: new Date(startMs).toISOString(), source: 'server' };
      const fields = {
        iterations: { value: [iteration], updatedAt: new Date(startMs + step * 1000).toISOString() },
      };
      const change = {
        table: 'aiMissions',
        id: random.pick(ids),
        eventId: crypto.randomUUID(),
        op: 'update',
        fields,
      } as const;
      const transaction = server.begin('ai', 'mana-ai-runner', [change]);
      if (random.chance(0.5)) server.commit(transaction);
    }
  }
  server.commitAll();
  server.pageSize = 3;
  for (const device of devices) device.calm = true;
  for (const _ of [1, 2])
    for (const device of devices) for (const app of Object.values(apps)) await device.sync(app);

  const expected = byTheLog(server);
  for (const device of devices) {
    expect(await device.shown()).toEqual(expected);
    expect(await device.db.outbox.count()).toBe(0);
  }
  const logged = server.log.map((r) => r.eventId);
  expect(new Set(logged).size).toBe(logged.length);
  for (const device of devices) for (const made of device.made) expect(logged).toContain(made);
  for (const { db } of devices) {
    db.close();
    await Dexie.delete(db.name);
  }
}

describe('devices', () => {
  for (let n = 0; n < 12; n++) {
    it(`come to the same records (MANA_SEED=${seed}, life ${n})`, () => life(new Random(seed + n)), 60_000);
  }
});
