import { ApiError } from '$lib/api/request';
import { backoffMs, pause, retryDelayMs } from '$lib/sync/backoff';
import { describe, expect, it } from 'vitest';

describe('waiting before another attempt', () => {
  it('doubles up to a minute, and half of it is chance', () => {
    expect([1, 2, 3, 4].map((n) => backoffMs(n, 0))).toEqual([500, 1000, 2000, 4000]);
    expect([1, 2, 3, 4].map((n) => backoffMs(n, 0.5))).toEqual([750, 1500, 3000, 6000]);
    expect(backoffMs(1000, 0)).toBe(30_000);
    expect(backoffMs(1000, 0.999)).toBeLessThan(60_000);
  });
  it('takes as long as the service says', () => {
    expect(retryDelayMs(1, new ApiError(429, 'RATE_LIMITED', 'x', 9000), 0)).toBe(9000);
    expect(retryDelayMs(1, new ApiError(503, 'OVERLOADED', 'x', 1), 0)).toBe(500);
  });
  it('ends when it is given up', async () => {
    const controller = new AbortController();
    const waiting = pause(1e9, controller.signal);
    controller.abort();
    await waiting;
    await pause(1e9, controller.signal);
  });
});
