// Short messages that come by themselves and go again. What must not be missed belongs into the page (Notice).
import { writable, type Readable } from 'svelte/store';

export type ToastTone = 'ok' | 'warn' | 'bad' | 'info';

export interface ToastAction {
  label: string;
  run: () => void;
}

export interface Toast {
  id: number;
  text: string;
  tone: ToastTone;
  action?: ToastAction;
}

const shown = writable<Toast[]>([]);
let last = 0;

export const toasts: Readable<Toast[]> = shown;

/** Long enough to read it twice, longer with something to press. */
export const toastMilliseconds = (toast: Toast) =>
  Math.max(5000, toast.text.length * 110) + (toast.action ? 5000 : 0);

export function toast(text: string, options: { tone?: ToastTone; action?: ToastAction } = {}): number {
  const id = ++last;
  const one = { id, text, tone: options.tone ?? 'ok', action: options.action };
  // The newest three, none twice: more would cover the page.
  shown.update((all) => [...all.filter((other) => other.text !== text), one].slice(-3));
  return id;
}

export const dismissToast = (id: number) => shown.update((all) => all.filter((one) => one.id !== id));
