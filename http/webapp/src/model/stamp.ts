// Time stamps of fields (wire contract, section 1): texts, compared as such.
import type { Iso } from './types';

/** The stamp of an edit made now: never below what the field has, whatever the clocks of other devices say. */
export function stampAfter(now: Date, last: string | undefined): Iso {
  const iso = now.toISOString();
  if (last === undefined || iso > last) return iso;
  const next = new Date(Date.parse(last) + 1);
  const text = Number.isNaN(next.getTime()) ? iso : next.toISOString();
  return text.length === iso.length && text > last ? text : iso;
}

/** For a rewrite of a value that says nothing new: it wins over that value and loses against every edit made since. */
export const stampRightBehind = (last: string | undefined): Iso => stampAfter(new Date(0), last);
