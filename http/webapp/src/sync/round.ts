// One round of syncing an app of the log: own changes out in their order, everybody's in, page by page. Only one round
// at a time per user (engine.ts); each may end anywhere and the next goes on where it ended.
import { ApiError, asApiError } from '$lib/api/request';
import { stored, type ManaDb, type OutboxChange } from '$lib/store/db';
import { applyPage, type Page } from './apply';

export interface PushBody {
  clientId: string;
  since: string;
  schemaVersion: number;
  changes: Omit<OutboxChange, 'seq' | 'app' | 'status' | 'error' | 'errorCode'>[];
}

/** Throws ApiErrors. */
export interface Transport {
  push(app: string, body: PushBody): Promise<Page>;
  pull(app: string, since: string): Promise<Page>;
}

export const maxBatch = 500;
const maxBatchLength = 2 * 1024 * 1024;

// -- what goes out --------------------------------------------------------------------------------------------------

const recordOf = ({ table, id }: { table: string; id: string }): string => `${table}:${id}`;

// In order; of a record with a refused change nothing more goes out, for it builds on what is missing.
async function waiting(db: ManaDb, app: string): Promise<OutboxChange[]> {
  const held = new Set((await db.outbox.where('status').equals('parked').toArray()).map(recordOf));
  const all = await db.outbox.where('status').equals('waiting').sortBy('seq');
  return all.filter((c) => c.app === app && !held.has(recordOf(c)));
}

function firstBatch(changes: readonly OutboxChange[], atMost: number): OutboxChange[] {
  const out: OutboxChange[] = [];
  let length = 0;
  for (const c of changes) {
    length += JSON.stringify(c).length;
    if (out.length > 0 && (out.length >= atMost || length > maxBatchLength)) break;
    out.push(c);
  }
  return out;
}

const wireOf = ({ seq, app, status, error, errorCode, ...change }: OutboxChange) => change;

/** The device's name in the log. */
async function clientId(db: ManaDb): Promise<string> {
  return db.transaction('rw', db.settings, async () => {
    const known = await db.settings.get('clientId');
    if (typeof known?.value === 'string') return known.value;
    const value = `web-${crypto.randomUUID()}`;
    await db.settings.put({ key: 'clientId', value });
    return value;
  });
}

// -- refusals -------------------------------------------------------------------------------------------------------

// The request itself is wrong, and will be the next time too.
const isRefusal = (e: ApiError): boolean => [400, 413, 422].includes(e.status);
// Nothing is wrong with the changes; parking them would not help.
const concernsRequest = (e: ApiError): boolean => /^(clientId|schemaVersion)\b/.test(e.message);
const isBadCursor = (e: ApiError): boolean => e.status === 400 && /^since\b/.test(e.message);

// Which change the service names, if it does.
function namedChange(e: ApiError, batch: readonly OutboxChange[]): OutboxChange | undefined {
  const index = /\bchanges\[(\d+)\]/.exec(e.message)?.[1];
  return batch.length === 1 ? batch[0] : index === undefined ? undefined : batch[Number(index)];
}

const park = (db: ManaDb, { seq }: OutboxChange, e: ApiError): Promise<unknown> =>
  stored(() => db.outbox.update(seq, { status: 'parked', error: e.message, errorCode: e.code }));

// -- the round ------------------------------------------------------------------------------------------------------

class Round {
  readonly tables = new Set<string>();
  /** Becomes smaller where the service refuses a batch without saying why. */
  private atMost = maxBatch;
  private cursorWasReset = false;
  private more = true;

  constructor(
    private readonly db: ManaDb,
    private readonly transport: Transport,
    private readonly app: string,
  ) {}

  async run(): Promise<void> {
    while (await this.pushOne());
    while (this.more) await this.pullOne();
  }

  private async since(): Promise<string> {
    return (await stored(() => this.db.cursors.get(this.app)))?.syncedUntil ?? '';
  }

  private async apply(page: Page, sent: readonly OutboxChange[] = []): Promise<void> {
    for (const table of await applyPage(this.db, this.app, page, sent)) this.tables.add(table);
  }

  // Everything from the beginning: what is known already does no harm.
  private async resetCursor(e: ApiError): Promise<void> {
    if (this.cursorWasReset) throw e;
    this.cursorWasReset = true;
    await stored(() => this.db.cursors.delete(this.app));
  }

  /** False: nothing is left to push. */
  private async pushOne(): Promise<boolean> {
    const batch = firstBatch(await stored(() => waiting(this.db, this.app)), this.atMost);
    if (batch.length === 0) return false;
    const body = {
      clientId: await stored(() => clientId(this.db)),
      since: await this.since(),
      schemaVersion: 1,
      changes: batch.map(wireOf),
    };
    try {
      const page = await this.transport.push(this.app, body);
      await this.apply(page, batch);
      this.more = page.hasMore;
      this.atMost = Math.min(maxBatch, 2 * this.atMost);
    } catch (thrown) {
      await this.refused(asApiError(thrown), batch, thrown);
    }
    return true;
  }

  private async refused(e: ApiError, batch: readonly OutboxChange[], thrown: unknown): Promise<void> {
    if (!isRefusal(e) || concernsRequest(e)) throw thrown;
    if (isBadCursor(e)) return this.resetCursor(e);
    const bad = namedChange(e, batch);
    if (bad) await park(this.db, bad, e);
    else this.atMost = Math.ceil(batch.length / 2);
  }

  private async pullOne(): Promise<void> {
    const since = await this.since();
    try {
      const page = await this.transport.pull(this.app, since);
      await this.apply(page);
      // A page that leads nowhere would be asked for again and again.
      this.more = page.hasMore && page.syncedUntil !== since;
    } catch (thrown) {
      const e = asApiError(thrown);
      if (!isBadCursor(e)) throw thrown;
      await this.resetCursor(e);
    }
  }
}

/** The tables that changed. Throws an ApiError; what was done before it stays done. */
export async function syncApp(db: ManaDb, transport: Transport, app: string): Promise<Set<string>> {
  const round = new Round(db, transport, app);
  await round.run();
  return round.tables;
}

/** Apps with changes to push, in the order of their first one. */
export async function appsToPush(db: ManaDb): Promise<string[]> {
  const all = await stored(() => db.outbox.where('status').equals('waiting').sortBy('seq'));
  return [...new Set(all.map((c) => c.app))];
}

/**
 * What the service accepted before, but was never seen in its log, goes out again: it does no harm, and a service that
 * was set back to an older state gets what it lost.
 */
export const resendUnseen = (db: ManaDb): Promise<unknown> =>
  stored(() => db.outbox.where('status').equals('sent').modify({ status: 'waiting' }));
