// Date and time without an offset, as people of a zone read them off a clock.

function offsetAt(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((p) => p.type === type)!.value);
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return wall - Math.floor(instant / 1000) * 1000;
}

/** Milliseconds since 1970 of an ISO time; without an offset it is local time of the zone, or of this device. */
export function instantOf(iso: string, timeZone?: string): number {
  if (/(Z|[+-]\d{2}:\d{2})$/.test(iso)) return Date.parse(iso);
  if (!timeZone) return Date.parse(iso);
  const wall = Date.parse(`${iso}Z`);
  try {
    // Twice, because the first guess may stand on the other side of a clock change.
    const guess = wall - offsetAt(wall, timeZone);
    return wall - offsetAt(guess, timeZone);
  } catch {
    return Date.parse(iso); // no such zone
  }
}
