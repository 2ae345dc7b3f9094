import { tr } from '$lib/i18n';
import de from '$lib/i18n/de';
import { hrefOf, type RefusedRecord } from '$lib/refused/record';
import { changedFields, deedOf, moduleShowing, refusalKinds, refusalOf } from '$lib/refused/refusal';
import { titleWords, wordsOf } from '$lib/refused/words';
import type { OutboxChange } from '$lib/store/db';
import { describe, expect, it } from 'vitest';

const change = (more: Partial<OutboxChange>): OutboxChange => ({
  seq: 1,
  eventId: 'e',
  app: 'places',
  table: 'places',
  id: 'p',
  op: 'update',
  status: 'parked',
  ...more,
});

describe('why a change was refused', () => {
  const of = (error: string, errorCode = 'BAD_REQUEST') => refusalOf({ error, errorCode });
  it.each([
    ['changes[3].data.name: must not hold the character U+0000', { kind: 'character', field: 'name' }],
    [
      'changes[0].fields.grant.wrappedKey.value: must not hold the character U+0000',
      { kind: 'character', field: 'grant' },
    ],
    [
      'changes[0].fields.title.updatedAt: must be a time such as 2026-01-31T08:00:00.000Z',
      { kind: 'time', field: 'title' },
    ],
    ['changes[12].data.milliliters: holds a number out of range', { kind: 'number', field: 'milliliters' }],
    ['changes[1].data.name: is refused', { kind: 'field', field: 'name' }],
    ['changes[1].actor.rationale: must be a text of 1 to 8192 bytes', { kind: 'other' }],
    ['something must not hold the character U+0000', { kind: 'other' }],
    ['', { kind: 'other' }],
  ])('«%s»', (error, expected) => expect(of(error)).toEqual(expected));
  it('is its size where the service says so, by code or by status alone', () => {
    expect(of('the body is larger than 10 MiB', 'LIMIT_EXCEEDED').kind).toBe('tooLarge');
    expect(of('status 413', 'UNEXPECTED').kind).toBe('tooLarge');
    expect(of('status 422', 'UNEXPECTED').kind).toBe('other');
  });
  it('was not kept by an earlier version of the app', () =>
    expect(refusalOf({ error: 'changes[0].data.name: is refused' })).toEqual({
      kind: 'field',
      field: 'name',
    }));
  it('has words, whatever the change did', () => {
    const { did, advice, dialog } = de.common.refused;
    for (const deed of ['insert', 'update', 'hide', 'delete'] as const)
      expect([did[deed], advice[deed], dialog[deed]]).not.toContain(undefined);
  });
  it('has words and a way out, each of its own', () => {
    for (const words of [de.common.refused.reason, de.common.refused.way]) {
      expect(Object.keys(words).sort()).toEqual([...refusalKinds].sort());
      expect(new Set(Object.values(words)).size).toBe(refusalKinds.length);
    }
  });
});

describe('what a refused change did', () => {
  it('is one of four', () => {
    expect(deedOf({ op: 'insert' })).toBe('insert');
    expect(deedOf({ op: 'update' })).toBe('update');
    expect(deedOf({ op: 'delete', deletedAt: '2026-04-15T10:00:00.000Z' })).toBe('hide');
    expect(deedOf({ op: 'delete' })).toBe('delete');
  });
  it('names each field once, and none that every change writes', () =>
    expect(
      changedFields(
        change({
          fields: {
            'grant.wrappedKey': { value: 1 },
            'grant.expiresAt': { value: 1 },
            title: { value: 'x' },
            updatedAt: { value: 'x' },
          },
        }),
      ),
    ).toEqual(['grant', 'title']));
  it('belongs to the module that shows it, times to the calendar', () => {
    expect(moduleShowing('notes')?.name).toBe('notes');
    expect(moduleShowing('timeBlocks')?.name).toBe('calendar');
    expect(moduleShowing('aiMissions')).toBeUndefined();
  });
});

describe('in words', () => {
  const place = {
    kind: 'module',
    spec: moduleShowing('places')!,
    record: { id: 'p/1', createdAt: '', updatedAt: '', name: 'Café' },
  } as unknown as RefusedRecord;
  it('it says what, which fields, why, and what to do', () => {
    const refused = change({
      fields: { name: { value: 'Caf\0é' }, updatedAt: { value: '' } },
      error: 'changes[0].fields.name.value: must not hold the character U+0000',
      errorCode: 'BAD_REQUEST',
    });
    expect(wordsOf(refused, place, tr, 'de')).toEqual({
      title: 'Café',
      href: '#/places/p%2F1',
      kind: 'Ort',
      did: 'geändert',
      fields: 'Geändert: Name',
      reason: expect.stringContaining('Im Feld „Name“'),
      detail: refused.error,
      ways: [de.common.refused.advice.update, de.common.refused.way.character],
    });
  });
  it('the last thing to do is giving up, where the reason is not known', () =>
    expect(wordsOf(change({ op: 'insert' }), place, tr, 'de').ways).toEqual([
      de.common.refused.way.other,
      de.common.refused.advice.insert,
    ]));
  it('a record that is not here has no link, and one of an unknown table a name', () => {
    const words = wordsOf(change({ table: 'recipes' }), undefined, tr, 'de');
    expect(words.href).toBeUndefined();
    expect(words.title).toBe(de.common.refused.unknownTable);
  });
  it('a field that the app has no word for keeps its name', () =>
    expect(
      wordsOf(change({ error: 'changes[0].data.colour: is refused' }), undefined, tr, 'de').reason,
    ).toContain('„colour“'));
  it('a mission is called by its title', () => {
    const mission = { kind: 'mission', record: { id: 'm', title: 'Aufräumen' } } as unknown as RefusedRecord;
    expect(titleWords('aiMissions', mission, tr)).toBe('Aufräumen');
    expect(hrefOf(mission)).toBe('#/missions/m');
    const fields = { cadence: { value: {} }, timeZone: { value: '' }, objective: { value: '' } };
    const { fields: said } = wordsOf(change({ table: 'aiMissions', fields }), mission, tr, 'de');
    expect(said).toBe(`Geändert: ${de.missions.form.schedule} und ${de.missions.form.objective}`);
  });
});
