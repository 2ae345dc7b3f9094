import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '$lib/api/request';
import { holding, type Lease } from '$lib/runner/lease';

const { api } = vi.hoisted(() => ({ api: vi.fn() }));
vi.mock('$lib/api/client', async (original) => ({ ...(await original<object>()), api }));

const until = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
const lease = (): Lease => ({ leaseToken: 'a/b', slot: until(0), iterationId: 'i', leasedUntil: until(60) });
const calls = (method: string) => api.mock.calls.filter(([m]) => m === method);

// Runs until the signal stops it.
const waiting = (signal: AbortSignal) =>
  new Promise<never>((_, fail) => signal.addEventListener('abort', () => fail(new Error('stopped'))));

beforeEach(() => {
  vi.useFakeTimers();
  api.mockReset();
  api.mockImplementation(async (method: string) => (method === 'PUT' ? { leasedUntil: until(60) } : null));
});
afterEach(() => void vi.useRealTimers());

describe('a lease', () => {
  it('is renewed while the work lasts, and given back when it is done', async () => {
    let done = () => {};
    const work = holding(
      'm',
      lease(),
      new AbortController().signal,
      () => new Promise<void>((d) => (done = d)),
    );
    await vi.advanceTimersByTimeAsync(65_000);
    expect(calls('PUT')).toHaveLength(3);
    expect(calls('PUT')[0]![2]).toEqual({ leaseToken: 'a/b' });
    done();
    await work;
    expect(calls('DELETE')[0]![1]).toBe('/api/v1/me/missions/m/foreground-run?leaseToken=a%2Fb');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(calls('PUT')).toHaveLength(3);
  });

  it('that is lost stops the work, which ends with the reason', async () => {
    api.mockImplementation(async (method: string) => {
      if (method === 'PUT') throw new ApiError(409, 'LEASE_LOST');
      return null;
    });
    const work = holding('m', lease(), new AbortController().signal, waiting);
    const ended = expect(work).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await vi.advanceTimersByTimeAsync(21_000);
    await ended;
  });

  it('outlives a renewal without an answer, but not its own time', async () => {
    api.mockImplementation(async (method: string) => {
      if (method === 'PUT') throw new ApiError(0, 'OFFLINE');
      return null;
    });
    let over = false;
    const work = holding('m', lease(), new AbortController().signal, waiting).catch(() => void (over = true));
    await vi.advanceTimersByTimeAsync(45_000);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(over).toBe(true);
    await work;
  });

  it('ends with the session', async () => {
    const session = new AbortController();
    const ended = expect(holding('m', lease(), session.signal, waiting)).rejects.toBeDefined();
    session.abort();
    await ended;
    expect(calls('DELETE')).toHaveLength(1);
  });
});
