import { errorCodes } from '$lib/api/codes';
import { ApiError } from '$lib/api/request';
import de from '$lib/i18n/de';
import en from '$lib/i18n/en';
import { errorText } from '$lib/ui/errors';
import { describe, expect, it } from 'vitest';

describe('an error', () => {
  it.each([
    ['German', de],
    ['English', en],
  ])('of every code has words in %s', (_, { common }) => {
    const words = common.errors as Record<string, string>;
    expect(errorCodes.filter((code) => !words[code])).toEqual([]);
    const known = new Set([...errorCodes, ...Object.keys(words).filter((key) => key.startsWith('wait'))]);
    expect(Object.keys(words).filter((key) => !known.has(key))).toEqual([]);
  });
  it('says when to come back', () => {
    const text = (ms: number) => errorText(new ApiError(429, 'RATE_LIMITED', 'x', ms));
    expect(text(1000)).toContain('1 Sekunde');
    expect(text(89_000)).toContain('89 Sekunden');
    expect(text(120_000)).toContain('2 Minuten');
    expect(text(7_200_000)).toContain('2 Stunden');
  });
  it('without a code, or with a new one, is an unexpected one', () => {
    for (const e of [new Error('x'), 'x', undefined, new ApiError(500, 'BRAND_NEW')])
      expect(errorText(e)).toBe(de.common.errors.UNEXPECTED);
  });
});
