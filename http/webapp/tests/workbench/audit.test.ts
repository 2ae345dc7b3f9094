import { createHash } from 'node:crypto';
import { get } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { concat, fromHex, prefixed, toHex, uint32, utf8 } from '$lib/crypto/bytes';
import type { AuditRow } from '$lib/model/types';
import { db } from '$lib/store/db';
import { AccessLog } from '$lib/workbench/access_log';
import { checkChain } from '$lib/workbench/chain_check';
import { aUser } from '../store/helpers';

const { api } = vi.hoisted(() => ({ api: vi.fn() }));
vi.mock('$lib/api/client', async (original) => ({ ...(await original<object>()), api }));

const noHash = '00'.repeat(32);

function chain(userId: string, count: number, tamper?: (rows: AuditRow[]) => void): AuditRow[] {
  const rows: AuditRow[] = [];
  for (let position = 1; position <= count; position++) {
    const row: AuditRow = {
      id: String(1000 + position),
      position,
      missionId: position % 2 ? 'm1' : 'm2',
      iterationId: null,
      tableName: 'notes',
      recordId: `n${position}`,
      status: 'ok',
      reason: null,
      ts: `2026-01-01T00:00:00.${String(position).padStart(3, '0')}Z`,
      previousHash: rows.at(-1)?.hash ?? noHash,
      hash: '',
    };
    const texts = [userId, String(position), row.ts, row.missionId, null, 'notes', row.recordId, 'ok', null];
    const bytes = concat(
      utf8('mana-ai-audit:v1'),
      ...texts.map((t) => (t === null ? uint32(0xffffffff) : prefixed(t))),
      fromHex(row.previousHash),
    );
    row.hash = toHex(new Uint8Array(createHash('sha256').update(bytes).digest()));
    rows.push(row);
  }
  tamper?.(rows);
  return rows;
}

vi.setConfig({ testTimeout: 30_000 });

let user: Awaited<ReturnType<typeof aUser>>;
let rows: AuditRow[];

// The service, as far as these tests need it.
function service(_method: string, path: string): unknown {
  const url = new URL(path, 'http://x');
  const head = rows.at(-1) ?? { position: 0, hash: noHash };
  if (url.pathname.endsWith('/verify'))
    return {
      ok: true,
      anchor: null,
      rows: rows.length,
      head: { position: head.position, hash: head.hash },
      firstBad: null,
    };
  if (url.pathname.endsWith('/head')) throw Object.assign(new Error(), { code: 'SIGNING_NOT_CONFIGURED' });
  const limit = Number(url.searchParams.get('limit'));
  const before = Number(url.searchParams.get('cursor') ?? Infinity);
  const mission = url.searchParams.get('missionId');
  const found = [...rows]
    .reverse()
    .filter((r) => r.position < before && (!mission || r.missionId === mission));
  const page = found.slice(0, limit);
  return { rows: page, nextCursor: found.length > limit ? String(page.at(-1)!.position) : null };
}

beforeEach(async () => {
  user = await aUser();
  rows = chain(user.userId, 3);
  const { ApiError } = await import('$lib/api/request');
  api.mockImplementation(async (method: string, path: string) => {
    try {
      return service(method, path);
    } catch (error) {
      throw new ApiError(503, (error as { code: string }).code);
    }
  });
});
afterEach(() => user.end());

describe('the check of the chain', () => {
  it('recomputes all rows, over pages, and remembers the end', async () => {
    rows = chain(user.userId, 1100);
    const progress: number[] = [];
    const report = await checkChain(user.userId, (n) => progress.push(n));
    expect(report).toMatchObject({
      ok: true,
      rows: 1100,
      service: 'agrees',
      signature: 'not-configured',
      before: 'none',
    });
    expect(progress).toEqual([1000, 1100]);
    rows = chain(user.userId, 1103);
    expect(await checkChain(user.userId)).toMatchObject({ ok: true, before: 'kept', beforePosition: 1100 });
  });

  it('is fine with no rows', async () => {
    rows = [];
    expect(await checkChain(user.userId)).toMatchObject({ ok: true, rows: 0 });
  });

  it('finds a row that was changed', async () => {
    rows = chain(user.userId, 5, (all) => (all[2]!.recordId = 'another'));
    expect(await checkChain(user.userId)).toMatchObject({
      ok: false,
      firstBad: { position: 3, problem: 'content-changed' },
    });
    expect(await db.settings.get('auditHead')).toBeUndefined();
  });

  it('finds a row that was taken out', async () => {
    rows = chain(user.userId, 5, (all) => all.splice(2, 1));
    expect(await checkChain(user.userId)).toMatchObject({
      ok: false,
      firstBad: { problem: 'missing-or-twice' },
    });
  });

  it('finds that the end was cut off, because it saw more before', async () => {
    rows = chain(user.userId, 5);
    await checkChain(user.userId);
    rows = chain(user.userId, 4);
    expect(await checkChain(user.userId)).toMatchObject({ ok: false, before: 'lost', beforePosition: 5 });
  });

  it('finds a chain of another user', async () => {
    rows = chain('somebody-else', 3);
    expect(await checkChain(user.userId)).toMatchObject({ ok: false, firstBad: { position: 1 } });
  });

  it('says so where the service names another end', async () => {
    const honest = api.getMockImplementation()!;
    api.mockImplementation(async (method: string, path: string) =>
      path.endsWith('/verify')
        ? { ok: true, anchor: null, rows: 3, head: { position: 3, hash: 'ff'.repeat(32) }, firstBad: null }
        : honest(method, path),
    );
    expect(await checkChain(user.userId)).toMatchObject({ ok: false, service: 'differs' });
  });
});

describe('the list of accesses', () => {
  const positions = (log: AccessLog) => get(log.state).rows?.map((r) => r.position);

  it('pages, newest first', async () => {
    rows = chain(user.userId, 120);
    const log = new AccessLog();
    await log.show(undefined);
    expect(positions(log)).toHaveLength(50);
    await log.more();
    await log.more();
    expect(positions(log)).toEqual(rows.map((r) => r.position).reverse());
    expect(get(log.state).more).toBe(false);
  });

  it('puts new rows on top and keeps the older ones', async () => {
    rows = chain(user.userId, 70);
    const log = new AccessLog();
    await log.show(undefined);
    await log.more();
    rows = chain(user.userId, 73);
    await log.refresh();
    expect(positions(log)).toEqual(Array.from({ length: 73 }, (_, i) => 73 - i));
  });

  it('begins anew where more came than a page holds', async () => {
    rows = chain(user.userId, 10);
    const log = new AccessLog();
    await log.show(undefined);
    rows = chain(user.userId, 100);
    await log.refresh();
    expect(positions(log)![0]).toBe(100);
    await log.more();
    expect(positions(log)).toHaveLength(100);
  });

  it('filters by mission, and an answer for another filter does not count', async () => {
    rows = chain(user.userId, 6);
    const log = new AccessLog();
    const first = log.show(undefined);
    await Promise.all([first, log.show('m2')]);
    expect(positions(log)).toEqual([6, 4, 2]);
  });

  it('keeps what it has when the service cannot be asked', async () => {
    const log = new AccessLog();
    await log.show(undefined);
    api.mockRejectedValueOnce(new Error('offline'));
    await log.refresh();
    expect(positions(log)).toEqual([3, 2, 1]);
    expect(get(log.state).error).toBeDefined();
    await log.refresh();
    expect(get(log.state).error).toBeUndefined();
  });
});
