import { describe, expect, it } from 'vitest';
import { giveConsent, problemOf, type ConsentSteps, type GrantRequest } from '$lib/missions/logic/consent';
import type { Grant } from '$lib/model/types';

const request: GrantRequest = {
  missionId: 'm',
  tables: ['notes', 'tasks'],
  recordIds: ['notes:a', 'tasks:t'],
  ttlMs: 3_600_000,
};

const grantFor = ({ missionId, tables, recordIds }: GrantRequest): Grant => ({
  wrappedKey: 'k',
  derivation: { version: 'v2', missionId, tables, recordIds },
  issuedAt: '2026-04-14T10:00:00.000Z',
  expiresAt: '2026-04-14T11:00:00.000Z',
});

/** The world: what is sealed how, pushed and granted. A failing step throws once. */
function world(failing?: keyof ConsentSteps) {
  const log: string[] = [];
  let broken = failing;
  const fail = (step: keyof ConsentSteps) => {
    if (broken !== step) return;
    broken = undefined;
    throw Object.assign(new Error('broken'), { code: 'OFFLINE', status: 0 });
  };
  const state: { sealed: Set<string>; grant?: Grant } = { sealed: new Set() };
  const steps: ConsentSteps = {
    async reseal(table, id) {
      fail('reseal');
      state.sealed.add(`${table}:${id}`);
      log.push(`reseal ${table}:${id}`);
    },
    async pushed(ids) {
      fail('pushed');
      log.push(`pushed ${ids.join()}`);
    },
    async issue(r) {
      fail('issue');
      log.push('issue');
      return grantFor(r);
    },
    async store(id, grant) {
      fail('store');
      state.grant = grant;
      log.push(`store ${id}`);
    },
  };
  return { log, state, steps };
}

describe('consent', () => {
  it('reseals and pushes every record before it asks, and stores the whole answer', async () => {
    const { log, state, steps } = world();
    const told: string[] = [];
    await giveConsent(request, steps, (s) => told.push(s));
    expect(log).toEqual(['reseal notes:a', 'reseal tasks:t', 'pushed notes:a,tasks:t', 'issue', 'store m']);
    expect(told).toEqual(['reseal', 'push', 'issue', 'store']);
    expect(state.grant).toEqual(grantFor(request));
  });

  it.each(['reseal', 'pushed', 'issue', 'store'] as const)(
    'can be given again when %s broke off',
    async (step) => {
      const { state, steps } = world(step);
      await expect(giveConsent(request, steps)).rejects.toThrow('broken');
      expect(state.grant).toBeUndefined();
      await giveConsent(request, steps);
      expect(state.grant).toEqual(grantFor(request));
    },
  );

  it('does not store what was not asked for', async () => {
    const { state, steps } = world();
    const wider = { ...steps, issue: async (r: GrantRequest) => grantFor({ ...r, recordIds: ['notes:a'] }) };
    await expect(giveConsent(request, wider)).rejects.toMatchObject({ problem: 'wrongScope' });
    expect(state.grant).toBeUndefined();
  });

  it('asks nothing with no record or with too many', async () => {
    const { log, steps } = world();
    await expect(giveConsent({ ...request, recordIds: [] }, steps)).rejects.toMatchObject({
      problem: 'nothing',
    });
    const many = Array.from({ length: 1001 }, (_, i) => `notes:${i}`);
    await expect(giveConsent({ ...request, recordIds: many }, steps)).rejects.toMatchObject({
      problem: 'tooMany',
    });
    expect(log).toEqual([]);
  });
});

describe('errors of the service', () => {
  it.each([
    [{ status: 409, code: 'ZK_ACTIVE' }, 'zeroKnowledge'],
    [{ status: 503, code: 'GRANT_NOT_CONFIGURED' }, 'notConfigured'],
    [{ status: 404, code: 'VAULT_NOT_INITIALISED' }, 'noVault'],
    [{ status: 0, code: 'OFFLINE' }, 'offline'],
    [{ status: 0, code: 'TIMEOUT' }, 'unreachable'],
    [{ status: 429, code: 'RATE_LIMITED' }, 'rateLimited'],
    [{ status: 401, code: 'UNAUTHORIZED' }, 'signedOut'],
    [{ status: 413, code: 'LIMIT_EXCEEDED' }, 'tooMany'],
    [{ status: 400, code: 'BAD_REQUEST', message: 'recordIds: must have 1 to 1000 entries' }, 'tooMany'],
    [{ status: 400, code: 'BAD_REQUEST', message: 'missionId: must be a string' }, 'other'],
    [{ status: 503, code: 'DATABASE_UNAVAILABLE' }, 'unreachable'],
    [{ status: 504, code: 'DATABASE_TIMEOUT' }, 'unreachable'],
    [{ status: 500, code: 'INTERNAL' }, 'other'],
    [{}, 'other'],
  ])('%j are %s', (error, problem) => expect(problemOf(error)).toBe(problem));
});
