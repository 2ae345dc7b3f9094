// What goes on while a session is open, whichever page is shown.
type Start = () => () => void;

const jobs: (() => Promise<Start>)[] = [
  () => import('$lib/ai/staging').then((m) => m.startStaging),
  () => import('$lib/runner/foreground').then((m) => m.startForegroundRunner),
];

/** Loaded after the first page, so that it does not wait. The answer stops all of it. */
export function startBackground(): () => void {
  let ended = false;
  const stops: (() => void)[] = [];
  for (const job of jobs)
    void job().then(
      (start) => {
        if (!ended) stops.push(start());
      },
      (error: unknown) => console.error(error),
    );
  return () => {
    ended = true;
    for (const stop of stops) stop();
  };
}
