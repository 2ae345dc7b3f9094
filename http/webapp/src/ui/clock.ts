import { readable, type Readable } from 'svelte/store';

/** The time, again after every `milliseconds` while somebody looks: for "in 3 minutes" and for what expires. */
export const ticking = (milliseconds: number): Readable<Date> =>
  readable(new Date(), (set) => {
    set(new Date());
    const timer = setInterval(() => set(new Date()), milliseconds);
    return () => clearInterval(timer);
  });

export const everySecond = ticking(1000);
export const everyMinute = ticking(30_000);
