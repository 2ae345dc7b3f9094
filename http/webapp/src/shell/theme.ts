// Light, dark, or as the device is set.
import { writable, type Readable } from 'svelte/store';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const storageKey = 'mana.theme';

const isTheme = (text: string | null | undefined): text is Theme => themes.includes(text as Theme);

const stored = globalThis.localStorage?.getItem(storageKey);
const chosen = writable<Theme>(isTheme(stored) ? stored : 'system');

export const theme: Readable<Theme> = chosen;

export function setTheme(next: Theme) {
  globalThis.localStorage?.setItem(storageKey, next);
  chosen.set(next);
}

/** Keeps the document as chosen; the tokens of theme.css follow its `data-theme`. */
export function applyTheme(): () => void {
  return theme.subscribe((now) => {
    if (now === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = now;
  });
}
