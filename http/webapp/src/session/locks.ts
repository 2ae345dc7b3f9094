// Locks that all tabs of the browser share; where there are none (tests), those of this page.

type Locked<T> = () => Promise<T>;

const queues = new Map<string, Promise<unknown>>();

function inThisPage<T>(name: string, work: Locked<T>): Promise<T> {
  const before = queues.get(name) ?? Promise.resolve();
  const mine = before.then(work, work);
  queues.set(
    name,
    mine.catch(() => undefined),
  );
  return mine;
}

/** Waits until no other tab does work of this name. */
export function exclusively<T>(name: string, work: Locked<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  return locks ? (locks.request(name, work) as Promise<T>) : inThisPage(name, work);
}

/** `lead` runs in one tab at a time, until it ends or `signal` stops the waiting. */
export async function asLeader(name: string, signal: AbortSignal, lead: Locked<void>): Promise<void> {
  const locks = globalThis.navigator?.locks;
  if (!locks) return inThisPage(name, lead);
  try {
    await locks.request(name, { signal }, lead);
  } catch (e) {
    if (!signal.aborted) throw e;
  }
}
