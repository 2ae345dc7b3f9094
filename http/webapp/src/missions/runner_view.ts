// What the runner says of the user's missions, asked again while a page shows it.
import { api, asApiError, type ApiError } from '$lib/api/client';
import { online } from '$lib/session/online';
import { get, readable, writable, type Readable } from 'svelte/store';
import type { RunnerView } from './logic/why';

export interface Said {
  view?: RunnerView;
  /** When the view was got. */
  at?: number;
  error?: ApiError;
  loading: boolean;
}

const interval = 20_000;

const said = writable<Said>({ loading: false });
let asking: Promise<void> | undefined;

async function ask(): Promise<void> {
  said.update((s) => ({ ...s, loading: true }));
  try {
    const view = await api<RunnerView>('GET', '/api/v1/me/missions');
    said.set({ view, at: Date.now(), loading: false });
  } catch (e) {
    said.update((s) => ({ ...s, error: asApiError(e), loading: false }));
  }
}

/** At once; those who ask meanwhile share the answer. */
export const refreshRunnerView = (): Promise<void> => (asking ??= ask().finally(() => (asking = undefined)));

/** Asks while somebody listens and the page is seen. */
export const runnerView: Readable<Said> = readable<Said>({ loading: true }, (set) => {
  const look = () => {
    if (document.visibilityState === 'visible' && get(online)) void refreshRunnerView();
  };
  const stops = [said.subscribe(set), online.subscribe(look)];
  const timer = setInterval(look, interval);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
    for (const stop of stops) stop();
    // The next page may be of another user.
    said.set({ loading: false });
  };
});
