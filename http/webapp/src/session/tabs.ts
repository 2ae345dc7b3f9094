// What the tabs of one browser tell each other.
import type { Activity } from '$lib/sync/state';

export type TabMessage =
  | { type: 'session'; userId: string | undefined }
  | { type: 'keys' }
  | {
      type: 'sync';
      userId: string;
      activity: Activity;
      error?: { status: number; code: string; detail: string };
    }
  | { type: 'applied'; userId: string; tables: string[] };

const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('mana');
// In Node an open channel would keep the process alive.
(channel as { unref?: () => void } | undefined)?.unref?.();

/** The other tabs, not this one. */
export const tellTabs = (message: TabMessage): void => channel?.postMessage(message);

export function onTabMessage(hear: (message: TabMessage) => void): () => void {
  const heard = (event: MessageEvent) => hear(event.data as TabMessage);
  channel?.addEventListener('message', heard);
  return () => channel?.removeEventListener('message', heard);
}
