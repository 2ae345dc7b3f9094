// The tokens keep WCAG AA in both themes: 4.5:1 for text, 3:1 for borders of controls and the focus ring.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../../src/ui/theme.css', import.meta.url), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map((m) => [
    m[1]!,
    { light: m[2]!, dark: m[3]! },
  ]),
);

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

const grounds = ['bg', 'surface', 'surface-2'];
const soft = ['ok', 'warn', 'bad', 'info'];
const texts: [string, string][] = [
  ...['text', 'text-muted', 'accent-text'].flatMap((t) => grounds.map((g): [string, string] => [t, g])),
  ...soft.flatMap((t): [string, string][] => [
    [t, `${t}-soft`],
    [t, 'surface'],
    ['text', `${t}-soft`],
    ['accent-text', `${t}-soft`],
  ]),
  ['bad', 'bg'],
  ['accent-text', 'accent-soft'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-strong'],
];
const shapes: [string, string][] = ['border-control', 'accent'].flatMap((t) =>
  grounds.map((g): [string, string] => [t, g]),
);

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  const of = (a: string, b: string) => contrast(tokens.get(a)![theme], tokens.get(b)![theme]);
  it.each(texts)('%s can be read on %s', (a, b) => expect(of(a, b)).toBeGreaterThanOrEqual(4.5));
  it.each(shapes)('%s can be seen on %s', (a, b) => expect(of(a, b)).toBeGreaterThanOrEqual(3));
});
