import { describe, expect, it } from 'vitest';
import { grantState, isGrantFor, refOf, scopeDifference, scopeOf } from '$lib/missions/logic/grant';
import type { Grant, MissionInput } from '$lib/model/types';

const now = Date.parse('2026-04-14T10:00:00.000Z');
const note = (id: string): MissionInput => ({ module: 'notes', table: 'notes', id });
const task = (id: string): MissionInput => ({ module: 'todo', table: 'tasks', id });
const goal: MissionInput = { module: 'goals', table: 'companionGoals', id: 'g' };

const grant = (recordIds: string[], expiresAt = '2026-04-21T10:00:00.000Z'): Grant => ({
  wrappedKey: 'a',
  derivation: {
    version: 'v2',
    missionId: 'm',
    tables: [...new Set(recordIds.map((r) => refOf(r).table))],
    recordIds,
  },
  issuedAt: '2026-04-14T10:00:00.000Z',
  expiresAt,
});

describe('the state of a grant', () => {
  it.each([undefined, null, [], 'x', 7])('is none of %j', (bad) =>
    expect(grantState({ grant: bad as never }, now)).toEqual({ state: 'none' }),
  );
  it('is active up to its end, expired from then on', () => {
    const expiresAt = Date.parse('2026-04-21T10:00:00.000Z');
    const mission = { grant: grant(['notes:a']) };
    expect(grantState(mission, expiresAt - 1)).toEqual({ state: 'active', expiresAt });
    expect(grantState(mission, expiresAt)).toEqual({ state: 'expired', expiresAt });
  });
  it.each(['', 'soon', undefined, null, {}])('is expired, as for the runner, with the end %j', (expiresAt) =>
    expect(grantState({ grant: { ...grant([]), expiresAt } as never }, now)).toEqual({ state: 'expired' }),
  );
});

describe('the scope', () => {
  it('is sorted, without duplicates', () =>
    expect(scopeOf([task('b'), note('z'), note('a'), note('z')])).toEqual({
      tables: ['notes', 'tasks'],
      recordIds: ['notes:a', 'notes:z', 'tasks:b'],
    }));
  it('keeps colons of an id', () => expect(refOf('notes:a:b')).toEqual({ table: 'notes', id: 'a:b' }));
});

describe('the difference between inputs and grant', () => {
  it('is none where they match; plaintext inputs need no grant', () =>
    expect(scopeDifference({ inputs: [note('a'), goal], grant: grant(['notes:a']) })).toEqual({
      extra: [],
      missing: [],
    }));
  it('names both sides', () =>
    expect(
      scopeDifference({ inputs: [note('a'), task('t')], grant: grant(['notes:a', 'notes:old']) }),
    ).toEqual({ extra: ['notes:old'], missing: ['tasks:t'] }));
  it('does not miss what was deleted', () =>
    expect(
      scopeDifference({ inputs: [note('a'), note('b')], grant: grant(['notes:a']) }, (i) => i.id !== 'b'),
    ).toEqual({ extra: [], missing: [] }));
  it('stands what other clients wrote', () =>
    expect(scopeDifference({ inputs: 7 as never, grant: { derivation: 3 } as never })).toEqual({
      extra: [],
      missing: [],
    }));
});

describe('an answer of the service', () => {
  const asked = { tables: ['notes'], recordIds: ['notes:a', 'notes:b'] };
  it('is taken in any order', () => expect(isGrantFor(grant(['notes:b', 'notes:a']), 'm', asked)).toBe(true));
  it.each([
    ['more records', grant(['notes:a', 'notes:b', 'notes:c'])],
    ['fewer records', grant(['notes:a'])],
    ['other records', grant(['notes:a', 'notes:c'])],
    ['no end', grant(['notes:a', 'notes:b'], '')],
    ['nothing', null],
    ['a text', 'grant'],
    ['no key', { ...grant(['notes:a', 'notes:b']), wrappedKey: undefined }],
  ])('is refused with %s', (_, answer) => expect(isGrantFor(answer, 'm', asked)).toBe(false));
  it('is refused for another mission or with more tables', () => {
    expect(isGrantFor(grant(['notes:a', 'notes:b']), 'other', asked)).toBe(false);
    const wide = grant(['notes:a', 'notes:b']);
    wide.derivation.tables.push('tasks');
    expect(isGrantFor(wide, 'm', asked)).toBe(false);
  });
});
