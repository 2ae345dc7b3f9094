import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { preferredLanguage, regionOf } from '$lib/i18n';
import de from '$lib/i18n/de';

describe('the language', () => {
  it('is what was chosen before', () => expect(preferredLanguage('en', ['de-DE'])).toBe('en'));
  it('is the first wished one that there is', () =>
    expect(preferredLanguage(null, ['fr', 'en-GB', 'de'])).toBe('en'));
  it('is German where nothing fits', () => expect(preferredLanguage('xx', ['fr'])).toBe('de'));
});

describe('the region', () => {
  it('is the one that the browser names for the language', () =>
    expect(regionOf('en', ['de-AT', 'en-US', 'en-GB'])).toBe('en-US'));
  it('is a European one where it names none', () =>
    expect([regionOf('en', ['de-AT', 'en']), regionOf('de', [])]).toEqual(['en-GB', 'de-DE']));
});

function has(key: string): boolean {
  let at: unknown = de;
  for (const name of key.split('.')) at = (at as Record<string, unknown>)?.[name];
  return typeof at === 'string';
}

// English has the same keys as German: the types check that.
describe('words', () => {
  const root = new URL('../src', import.meta.url).pathname;
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((f) =>
    /\.(svelte|ts)$/.test(f),
  );
  const used = sources.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?<![\w.])\$?tr?\(\s*'([^']+)'/g)].map((m) => [
      file,
      m[1]!,
    ]),
  );
  it('are used at all', () => expect(used.length).toBeGreaterThan(0));
  it('exist wherever they are named', () =>
    expect(used.filter(([, key]) => !has(key!) && !has(`${key}_one`))).toEqual([]));
});
