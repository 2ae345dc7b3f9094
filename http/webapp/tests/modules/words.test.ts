import type { Translate } from '$lib/i18n';
import de from '$lib/i18n/de';
import en from '$lib/i18n/en';
import { modules, moduleNamed, type ModuleSpec } from '$lib/modules/registry';
import { excerptOf, titleOf, valueText } from '$lib/modules/words';
import { describe, expect, it } from 'vitest';

const from =
  (words: unknown): Translate =>
  (key) => {
    let at: unknown = words;
    for (const name of key.split('.')) at = (at as Record<string, unknown> | undefined)?.[name];
    return typeof at === 'string' ? at : key;
  };

describe.each([
  ['German', de],
  ['English', en],
])('%s', (_, words) => {
  const translate = from(words);
  const has = (key: string) => translate(key) !== key;

  it.each(modules.map((m): [string, ModuleSpec] => [m.name, m]))('has words for %s', (name, spec) => {
    const fields = [...spec.fields, ...(spec.linked?.fields ?? [])].filter((f) => f.kind !== 'list');
    const missing = [
      ...['name', 'one', 'add', 'emptyTitle', 'emptyText'].map((word) => `modules.${name}.${word}`),
      ...fields
        .filter((f) => !f.hidden || f.name !== 'completedAt')
        .map((f) => `modules.${name}.fields.${f.name}`),
      ...fields.flatMap((f) => (f.values ?? []).map((v) => `modules.${name}.values.${f.name}.${v}`)),
    ].filter((key) => !has(key));
    expect(missing).toEqual([]);
  });
  it('has words for every order and every mistake', () => {
    const codes = ['required', 'number', 'date', 'choice', 'tooLong', 'endBeforeStart'];
    const keys = [
      ...['date', 'changed', 'created', 'title'].map((o) => `modules.sortBy.${o}`),
      ...codes.map((c) => `modules.invalid.${c}`),
      ...['overdue', 'today', 'tomorrow', 'on'].map((k) => `modules.due.${k}`),
    ];
    expect(keys.filter((k) => !has(k))).toEqual([]);
  });
});

describe('a title', () => {
  const translate = from(de);
  const title = (module: string, record: Record<string, unknown>) =>
    titleOf(moduleNamed(module)!, record, translate);

  it('is the title field', () => expect(title('places', { name: ' Café ' })).toBe('Café'));
  it('is said in words where there is none or it cannot be read', () => {
    expect(title('notes', { title: ' ' })).toBe('Ohne Titel');
    expect(title('notes', { title: 'enc:2:x', unreadable: ['title'] })).toBe('Nicht lesbar');
  });
  it('of an enum is its word, also of one that this version does not know', () => {
    expect(title('drinks', { kind: 'tea' })).toBe('Tee');
    expect(title('drinks', { kind: 'mate' })).toBe('mate');
  });
  it('of the one document is its module', () => expect(title('kontext', { content: 'x' })).toBe('Kontext'));
});

it('values read as people write them', () => {
  const spec = moduleNamed('goals')!;
  const value = (name: string, v: unknown) =>
    valueText(
      spec,
      spec.fields.find((f) => f.name === name)!,
      v,
      from(de),
      'de',
    );
  expect(value('currentValue', 1234.5)).toBe('1.234,5');
  expect(value('period', 'week')).toBe('pro Woche');
  expect(value('unit', '')).toBeUndefined();
});

it('an excerpt is one line and never ciphertext', () => {
  const spec = moduleNamed('notes')!;
  expect(excerptOf(spec, { content: 'a\n\n b' })).toBe('a b');
  expect(excerptOf(spec, { content: 'enc:2:x', unreadable: ['content'] })).toBe('');
});
