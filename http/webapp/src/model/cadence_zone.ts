// Local time of an IANA time zone, by Intl alone. A local time is written as the milliseconds that the same digits
// would have in UTC, so that Date's UTC functions do its arithmetic.
export type LocalTime = number;

const day = 24 * 60 * 60_000;

export interface TimeZone {
  name: string;
  local(t: number): LocalTime;
  /** A local time that a clock change skips moves forward by what was skipped; one that occurs twice is the first. */
  at(local: LocalTime): number;
}

// The shape of names in the tz database. Intl also takes other notations, which the runner refuses: any case, offsets.
const zoneName = /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/;

function isName(name: string, resolved: string): boolean {
  if (!zoneName.test(name) || name.length > 64) return false;
  return name.toLowerCase() !== resolved.toLowerCase() || name === resolved;
}

function offsetsOf(format: Intl.DateTimeFormat): (t: number) => number {
  return (t) => {
    const seconds = Math.floor(t / 1000) * 1000;
    const part: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(seconds)) part[type] = value;
    const local = new Date(0);
    const year = Number(part.year);
    local.setUTCFullYear(part.era === 'BC' ? 1 - year : year, Number(part.month) - 1, Number(part.day));
    local.setUTCHours(Number(part.hour), Number(part.minute), Number(part.second));
    return local.getTime() - seconds;
  };
}

function makeZone(name: string, format: Intl.DateTimeFormat): TimeZone {
  const offset = offsetsOf(format);
  // No two clock changes of a zone lie within three days, so most days have one offset and need no search.
  const around = new Map<LocalTime, readonly [number, number]>();
  function offsetsAround(today: LocalTime): readonly [number, number] {
    let known = around.get(today);
    if (!known) {
      known = [offset(today - day), offset(today + 2 * day)];
      if (around.size > 4000) around.clear();
      around.set(today, known);
    }
    return known;
  }
  return {
    name,
    local: (t) => t + offset(t),
    at(local) {
      const [before, after] = offsetsAround(Math.floor(local / day) * day);
      const early = local - before;
      if (before === after || offset(early) === before) return early;
      const late = local - after;
      return offset(late) === after ? late : early;
    },
  };
}

const known = new Map<string, TimeZone | undefined>();

/** Undefined: no such zone. */
export function findZone(name: string): TimeZone | undefined {
  if (known.has(name)) return known.get(name);
  let zone: TimeZone | undefined;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    if (isName(name, format.resolvedOptions().timeZone)) zone = makeZone(name, format);
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
  }
  known.set(name, zone);
  return zone;
}

// Browsers still give these zones by names that a service's tz database may not have any more.
const renamed: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Cordoba': 'America/Argentina/Cordoba',
  'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis',
  'America/Jujuy': 'America/Argentina/Jujuy',
  'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
};

function todaysName(name: string): string {
  const today = renamed[name];
  return today && findZone(today) ? today : name;
}

/** The zone of this device. */
export const ownZone = (): string =>
  todaysName(new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC');

/** To choose from, sorted. */
export function zoneNames(): string[] {
  const names = Intl.supportedValuesOf('timeZone').map(todaysName);
  return [...new Set([...names, 'UTC'])].sort();
}
