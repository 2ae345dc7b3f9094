// Whether the browser thinks it has a network; it may be wrong, so calls are tried anyway.
import { readable, type Readable } from 'svelte/store';

const now = (): boolean => globalThis.navigator?.onLine !== false;

export const online: Readable<boolean> = readable(now(), (set) => {
  const look = () => set(now());
  look();
  globalThis.addEventListener?.('online', look);
  globalThis.addEventListener?.('offline', look);
  return () => {
    globalThis.removeEventListener?.('online', look);
    globalThis.removeEventListener?.('offline', look);
  };
});
