// What must hold of every cadence in every zone, at random. The seed is in the name of each test.
import { describe, expect, it } from 'vitest';
import { nextRun, previewRuns } from '$lib/model/cadence';
import { parseCron, type Cron } from '$lib/model/cadence_cron';
import { findZone, ownZone, zoneNames } from '$lib/model/cadence_zone';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

// With changes at midnight, of half an hour, to another date, in the southern half, and with none.
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'America/Santiago',
  'America/Sao_Paulo',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Pacific/Apia',
  'Pacific/Chatham',
];

function random(seed: number) {
  let state = seed >>> 0;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const seed = Number(process.env.SEED ?? 20260414);
const first = Date.UTC(2011, 0, 1);
const moment = (pick: (below: number) => number) => first + pick(18 * 365) * day + pick(day);

/** Intl asked in another way than the code does: the local time as text. */
function textIn(zone: string, t: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(
    t,
  );
}
const asText = (local: number) => new Date(local).toISOString().slice(0, 19).replace('T', ' ');

describe(`local times, seed ${seed}`, () => {
  it.each(zones)('of %s', (name) => {
    const zone = findZone(name)!;
    const pick = random(seed);
    for (let i = 0; i < 300; ++i) {
      const t = Math.floor(moment(pick) / minute) * minute;
      expect(asText(zone.local(t))).toBe(textIn(name, t));
      // Back again: the same moment, or the first of two with the same time on the clock.
      const back = zone.at(zone.local(t));
      expect(back).toBeLessThanOrEqual(t);
      expect(zone.local(back)).toBe(zone.local(t));
    }
  });

  it.each(zones)('around each clock change of %s', (name) => {
    const zone = findZone(name)!;
    const offset = (t: number) => zone.local(t) - t;
    let changes = 0;
    for (let t = Date.UTC(2011, 0, 1); t < Date.UTC(2027, 0, 1); t += day) {
      if (offset(t) === offset(t + day)) continue;
      ++changes;
      let [lo, hi] = [t, t + day];
      while (hi - lo > minute)
        if (offset(Math.floor((lo + hi) / 2 / minute) * minute) === offset(t))
          lo = Math.floor((lo + hi) / 2 / minute) * minute;
        else hi = Math.floor((lo + hi) / 2 / minute) * minute;
      const [before, after] = [offset(lo), offset(hi)];
      const skipped = after - before;
      const middle = hi + before + skipped / 2;
      if (skipped > 0) expect(zone.local(zone.at(middle))).toBe(middle + skipped);
      else expect(zone.at(hi + after - skipped / 2)).toBe(hi + skipped / 2);
      // Just before and just after, nothing is special.
      expect(zone.at(zone.local(lo - 3 * hour))).toBe(lo - 3 * hour);
      expect(zone.at(zone.local(hi + 3 * hour))).toBe(hi + 3 * hour);
    }
    if (['UTC', 'Asia/Kolkata'].includes(name)) expect(changes).toBe(0);
    else expect(changes).toBeGreaterThan(1);
  });
});

const cadenceOf = (pick: (below: number) => number) =>
  pick(2)
    ? { kind: 'daily' as const, atHour: pick(24), atMinute: pick(60) }
    : { kind: 'weekly' as const, dayOfWeek: pick(7), atHour: pick(24), atMinute: pick(60) };

describe(`daily and weekly, seed ${seed}`, () => {
  it.each(zones)('in %s', (name) => {
    const zone = findZone(name)!;
    const pick = random(seed + 1);
    for (let i = 0; i < 500; ++i) {
      const cadence = cadenceOf(pick);
      const from = moment(pick);
      const next = nextRun(cadence, from, name);
      const said = `${JSON.stringify(cadence)} after ${new Date(from).toISOString()}`;
      if (!next.ok || next.at === null) throw new Error(said);
      expect(next.at, said).toBeGreaterThan(from);
      // A skipped day and an hour each way are the longest detours.
      const period = cadence.kind === 'daily' ? day : 7 * day;
      expect(next.at - from, said).toBeLessThanOrEqual(2 * period + hour);
      const clock = new Date(zone.local(next.at));
      const wished = cadence.atHour * 60 + cadence.atMinute;
      const moved = clock.getUTCHours() * 60 + clock.getUTCMinutes() - wished;
      if (moved !== 0) {
        // Only where that time does not exist: then, or the time before, which was moved and goes on from there.
        const wishedAt = zone.local(next.at) - moved * minute;
        const exists = (local: number) => zone.local(zone.at(local)) === local;
        expect(exists(wishedAt) && exists(wishedAt - period), said).toBe(false);
      } else if (cadence.kind === 'weekly') expect(clock.getUTCDay(), said).toBe(cadence.dayOfWeek);
    }
  });
});

function fits(cron: Cron, local: number): boolean {
  const d = new Date(local);
  const ofMonth = cron.days.has(d.getUTCDate());
  const ofWeek = cron.weekdays.has(d.getUTCDay());
  return (
    cron.minutes.has(d.getUTCMinutes()) &&
    cron.hours.has(d.getUTCHours()) &&
    cron.months.has(d.getUTCMonth() + 1) &&
    (cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek)
  );
}

describe(`cron, seed ${seed}`, () => {
  it.each(zones)('in %s misses nothing and invents nothing', (name) => {
    const zone = findZone(name)!;
    const pick = random(seed + 2);
    for (let i = 0; i < 60; ++i) {
      const some = (high: number, chance: number) => (pick(chance) ? '*' : String(pick(high)));
      const expression = `${some(60, 2)} ${some(24, 2)} ${pick(4) ? '*' : 1 + pick(28)} * ${pick(4) ? '*' : pick(8)}`;
      const cron = parseCron(expression);
      if (typeof cron === 'string') throw new Error(expression);
      const from = moment(pick);
      const said = `${expression} after ${new Date(from).toISOString()}`;
      const next = nextRun({ kind: 'cron', expression }, from, name);
      if (!next.ok || next.at === null) throw new Error(said);
      expect(next.at, said).toBeGreaterThan(from);
      // Every local minute of the days around stands for one moment; the first one after `from` that fits is meant.
      const span = Math.min(next.at - from, 3 * day);
      const start = Math.floor(zone.local(from) / minute) * minute - day;
      let earliest = Infinity;
      for (let local = start; local < start + span + 3 * day; local += minute)
        if (fits(cron, local)) {
          const t = zone.at(local);
          if (t > from && t < earliest) earliest = t;
        }
      if (earliest <= from + span || next.at - from <= 3 * day) expect(next.at, said).toBe(earliest);
    }
  });

  it('previews in ascending order', () => {
    const pick = random(seed + 3);
    for (let i = 0; i < 50; ++i) {
      const zone = zones[pick(zones.length)]!;
      const preview = previewRuns({ kind: 'cron', expression: '*/20 0-3 * * *' }, moment(pick), zone);
      if (!preview.ok) throw new Error(zone);
      expect(preview.runs).toEqual([...new Set(preview.runs)].sort((a, b) => a - b));
      expect(preview.runs).toHaveLength(5);
    }
  });
});

describe('zones to choose from', () => {
  it('can all be used', () => {
    const names = zoneNames();
    expect(names.length).toBeGreaterThan(300);
    expect(names.filter((n) => !findZone(n))).toEqual([]);
    expect(names).toContain('UTC');
  });
  it('have the names of today', () => expect(zoneNames()).not.toContain('Asia/Calcutta'));
  it('include that of the device', () => expect(findZone(ownZone())).toBeDefined());
});
