// Rings when a moment has come. A timer alone does not do: it holds no more than 24 days, and it stands still while the
// machine sleeps; so it goes in steps and looks again when the page is seen again.
const longestStep = 60 * 60_000;

interface Page {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** Calls `ring` once, at or after `at`; the result takes it back. */
export function alarmAt(
  at: number,
  ring: () => void,
  page: Page | undefined = globalThis.document,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  function stop() {
    clearTimeout(timer);
    page?.removeEventListener('visibilitychange', look);
  }
  function look() {
    clearTimeout(timer);
    const left = at - Date.now();
    if (left <= 0) {
      stop();
      ring();
    } else timer = setTimeout(look, Math.min(left, longestStep));
  }
  page?.addEventListener('visibilitychange', look);
  timer = setTimeout(look, Math.max(0, Math.min(at - Date.now(), longestStep)));
  return stop;
}
