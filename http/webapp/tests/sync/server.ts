// An in-memory model of the sync service (its interface: push and pull), with transactions that commit late: rows
// that become visible behind others that are younger.
import { ApiError } from '$lib/api/request';
import type { ChangeBody } from '$lib/store/db';
import type { ServerChange } from '$lib/store/change';
import type { Page } from '$lib/sync/apply';
import type { PushBody, Transport } from '$lib/sync/round';

export interface LogRow extends ServerChange {
  app: string;
  clientId: string;
}

interface Open {
  rows: LogRow[];
}

const startUs = Date.UTC(2026, 3, 15, 10) * 1000;
const compare = (a: LogRow, b: LogRow): number =>
  a.createdAt + a.eventId < b.createdAt + b.eventId ? -1 : 1;
const cursorOf = (r: LogRow): string => `${r.createdAt}|${r.eventId}`;

export class Server implements Transport {
  log: LogRow[] = [];
  pageSize = 1000;
  pushes: PushBody[] = [];
  /** Called with each push before it is done; may throw. */
  check: (body: PushBody) => void = () => undefined;
  private now = startUs;
  private readonly open = new Set<Open>();

  private stamp(): string {
    const us = this.now++;
    return new Date(us / 1000)
      .toISOString()
      .replace(/\.\d+Z$/, `.${String(us % 1_000_000).padStart(6, '0')}Z`);
  }

  /** Time passes. */
  tick(ms: number): void {
    this.now += ms * 1000;
  }

  /** Written, but not visible until it is committed. */
  begin(
    app: string,
    clientId: string,
    changes: (ChangeBody & { table: string; id: string; eventId: string })[],
  ): Open {
    const here = changes.map((c) => c.eventId);
    // A unique index makes the second writer of a row wait for the first.
    for (const one of this.open) if (one.rows.some((r) => here.includes(r.eventId))) this.commit(one);
    const known = new Set(this.log.map((r) => r.eventId));
    const fresh = changes.filter((c, n) => !known.has(c.eventId) && here.indexOf(c.eventId) === n);
    const rows = fresh.map((c) => structuredClone({ ...c, app, clientId, createdAt: this.stamp() }));
    const transaction = { rows };
    this.open.add(transaction);
    return transaction;
  }
  commit(transaction: Open): void {
    if (this.open.delete(transaction)) this.log.push(...transaction.rows);
    this.log.sort(compare);
  }
  commitAll(): void {
    for (const one of [...this.open]) this.commit(one);
  }

  // Rows beyond the oldest open transaction are given, but not passed.
  private page(app: string, since: string): Page {
    if (since !== '' && !since.includes('|'))
      throw new ApiError(400, 'BAD_REQUEST', 'since: not one of this service');
    const horizon = [...this.open].flatMap((o) => o.rows.map((r) => r.createdAt)).sort()[0] ?? '~';
    const all = this.log.filter((r) => r.app === app && cursorOf(r) > since);
    const rows = all.slice(0, this.pageSize);
    const passed = rows.filter((r) => r.createdAt < horizon).pop();
    return {
      serverChanges: structuredClone(rows),
      syncedUntil: passed ? cursorOf(passed) : since,
      hasMore: all.length > rows.length && passed !== undefined,
    };
  }

  async push(app: string, body: PushBody): Promise<Page> {
    this.pushes.push(structuredClone(body));
    this.check(body);
    this.commit(this.begin(app, body.clientId, body.changes));
    return this.page(app, body.since);
  }
  async pull(app: string, since: string): Promise<Page> {
    return this.page(app, since);
  }
}
