// German and English. Each area has a file of words per language; English must have the same keys as German, which the
// types check. In components, `$t` with the key; outside them `tr`.
import i18next, { type TOptions } from 'i18next';
import { derived, readable, type Readable } from 'svelte/store';
import de from './de';
import en from './en';

export const languages = ['de', 'en'] as const;
export type Language = (typeof languages)[number];

const storageKey = 'mana.language';

export function preferredLanguage(stored: string | null, wished: readonly string[]): Language {
  const known = (code: string | null) => languages.find((l) => code === l || code?.startsWith(`${l}-`));
  return known(stored) ?? wished.map(known).find((l) => l !== undefined) ?? 'de';
}

const unnamedRegion: Record<Language, string> = { de: 'de-DE', en: 'en-GB' };

/** How dates and numbers are written: as in the region that the browser names for the language, if it names one. */
export const regionOf = (
  language: Language,
  wished: readonly string[] = globalThis.navigator?.languages ?? [],
): string => wished.find((code) => code.startsWith(`${language}-`)) ?? unnamedRegion[language];

void i18next.init({
  lng: preferredLanguage(
    globalThis.localStorage?.getItem(storageKey) ?? null,
    globalThis.navigator?.languages ?? [],
  ),
  fallbackLng: 'de',
  resources: { de: { translation: de }, en: { translation: en } },
  interpolation: { escapeValue: false }, // Svelte escapes
});

export const language: Readable<Language> = readable(i18next.language as Language, (set) => {
  const changed = (l: string) => set(l as Language);
  changed(i18next.language);
  i18next.on('languageChanged', changed);
  return () => i18next.off('languageChanged', changed);
});

export async function setLanguage(l: Language) {
  globalThis.localStorage?.setItem(storageKey, l);
  await i18next.changeLanguage(l);
}

export type Translate = (key: string, options?: TOptions) => string;
const translate: Translate = (key, options) => i18next.t(key, options ?? {});

export const t: Readable<Translate> = derived(
  language,
  (): Translate => (key, options) => translate(key, options),
);

/** Outside components, once. */
export const tr: Translate = translate;
