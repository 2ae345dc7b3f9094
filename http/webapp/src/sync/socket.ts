// The service's word that something changed, over a WebSocket that is opened again whenever it breaks.
import { backoffMs, pause } from './backoff';

export interface SocketHooks {
  /** Where it is. */
  url(): Promise<string>;
  token(): Promise<string>;
  /** The service did not take it, or it has expired. */
  tokenRefused(token: string): void;
  /** Connected: whatever happened before must be pulled. */
  ready(): void;
  /** The connection is gone. */
  broken(): void;
  /** `appId` may be '*': anything. */
  available(appId: string): void;
}

const authTimeoutMs = 15_000;
const steadyMs = 30_000;
const tokenRefusedCode = 4401;

function message(data: unknown): { type?: unknown; appId?: unknown } {
  try {
    const parsed = JSON.parse(String(data)) as unknown;
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

// Resolves when it is closed: whether it had been ready.
async function oneConnection(hooks: SocketHooks, signal: AbortSignal): Promise<boolean> {
  const [url, token] = await Promise.all([hooks.url(), hooks.token()]);
  if (signal.aborted) return false;
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    let ready = false;
    const close = () => socket.close();
    const timer = setTimeout(close, authTimeoutMs);
    signal.addEventListener('abort', close);
    socket.onopen = () => socket.send(JSON.stringify({ type: 'auth', token }));
    socket.onmessage = ({ data }) => {
      const { type, appId } = message(data);
      if (type === 'auth-ok') {
        ready = true;
        clearTimeout(timer);
        hooks.ready();
      } else if (type === 'sync-available' && typeof appId === 'string') {
        hooks.available(appId);
      }
    };
    socket.onclose = ({ code }) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', close);
      if (code === tokenRefusedCode) hooks.tokenRefused(token);
      resolve(ready);
    };
  });
}

// Also ends when the network comes back.
async function waitToRetry(ms: number, signal: AbortSignal): Promise<void> {
  const sooner = new AbortController();
  const stop = () => sooner.abort();
  globalThis.addEventListener?.('online', stop);
  signal.addEventListener('abort', stop);
  await pause(ms, sooner.signal);
  globalThis.removeEventListener?.('online', stop);
  signal.removeEventListener('abort', stop);
}

/** Until `signal` is aborted. */
export async function keepSocket(hooks: SocketHooks, signal: AbortSignal): Promise<void> {
  // A dead network takes its time to close a connection.
  const ended = new Promise<boolean>((resolve) => signal.addEventListener('abort', () => resolve(false)));
  let failures = 0;
  while (!signal.aborted) {
    const started = Date.now();
    const ready = await Promise.race([oneConnection(hooks, signal).catch(() => false), ended]);
    hooks.broken();
    failures = ready && Date.now() - started > steadyMs ? 1 : failures + 1;
    if (!signal.aborted) await waitToRetry(backoffMs(failures), signal);
  }
}
