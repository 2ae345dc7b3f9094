#!/usr/bin/env node
// Fifty devices of two users that edit the same few records, push and pull at random, are cut off and crash; then the
// weather clears, and all of a user's devices must have the same rows and the same records: every change that was ever
// made, once. Prints {seed, changes, pushes, refusals, losses, crashes, repeated, records}; exit code 1 when something
// is lost, doubled or differs.
//
//   crowd.mjs <seconds of faults> <seed> <tokens.json> <url>...
//
// tokens.json: {user: token}. SIGUSR2 ends the faults at once.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Device } from './device.mjs';
import { canonical, fold } from './merge.mjs';

const [seconds, seed, tokensFile, ...urls] = process.argv.slice(2);
const tokens = JSON.parse(readFileSync(tokensFile, 'utf8'));
const app = 'todo';
const records = 12;
const tables = ['tasks', 'lists'];

// -- chance -------------------------------------------------------------------------------------------------------

// splitmix64, a stream per name: what one device does depends on the seed and its own number alone.
function dice(name) {
  let state = BigInt.asUintN(64, [...`${seed}:${name}`].reduce((h, c) => (h ^ BigInt(c.codePointAt(0))) * 0x100000001b3n, 0xcbf29ce484222325n));
  const next = () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n & 0x1fffffffffffffn) / 2 ** 53;
  };
  return { share: next, below: (n) => Math.floor(next() * n), chance: (p) => next() < p, of: (list) => list[Math.floor(next() * list.length)] };
}

// -- what happens -------------------------------------------------------------------------------------------------

const made = Object.fromEntries(Object.keys(tokens).map((user) => [user, new Map()])); // changes by event id
const counts = { changes: 0, pushes: 0, refusals: 0, losses: 0, crashes: 0 };

function requester(user, random) {
  return async (path, { method, body, signal }) => {
    const response = await fetch(random.of(urls) + path, {
      method,
      signal,
      headers: { Authorization: `Bearer ${tokens[user]}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 500) counts.refusals += 1;
    return { status: response.status, answer: JSON.parse(text) };
  };
}

// Coarse, so that stamps collide.
const stamp = (random) => new Date(Math.floor((Date.now() - random.below(3000)) / 20) * 20).toISOString();

function newChange(user, random) {
  const at = stamp(random);
  const [table, id] = [random.of(tables), `r${random.below(records)}`];
  const what = random.share();
  const base = { eventId: randomUUID(), table, id };
  // The other user has used some of our ids: that is none of our business, nor theirs.
  const foreign = Object.keys(made).filter((other) => other !== user).flatMap((other) => [...made[other].keys()].slice(-3));
  if (foreign.length > 0 && random.chance(0.1) && !made[user].has(foreign.at(-1))) base.eventId = foreign.at(-1);
  if (what < 0.3) return { ...base, op: 'insert', data: { id, title: `t${random.below(1e6)}`, n: random.below(9), updatedAt: at } };
  if (what < 0.8)
    return {
      ...base,
      op: 'update',
      fields: Object.fromEntries([random.of(['title', 'n', 'done']), 'updatedAt'].map((f) => [f, { value: f === 'updatedAt' ? at : random.below(1e6), updatedAt: at }])),
      actor: random.of([undefined, { kind: 'user' }, { kind: 'ai', missionId: 'm1', iterationId: 'i1', rationale: 'because' }]),
    };
  if (what < 0.88) return { ...base, op: 'delete', deletedAt: at };
  if (what < 0.94) return { ...base, op: 'update', fields: { deletedAt: { value: null, updatedAt: at } } };
  return { ...base, op: 'delete' };
}

const ended = new AbortController();
process.on('SIGUSR2', () => ended.abort());
setTimeout(() => ended.abort(), Number(seconds) * 1000);

async function live(user, device, random) {
  while (!ended.signal.aborted) {
    for (let n = random.below(3); n > 0; n -= 1) {
      const change = newChange(user, random);
      if (made[user].has(change.eventId)) continue;
      made[user].set(change.eventId, change);
      device.outbox.push(change);
      counts.changes += 1;
    }
    // Now and then the client goes away while its request is under way.
    const impatience = random.chance(0.15) ? AbortSignal.timeout(random.below(40)) : undefined;
    try {
      if (device.outbox.length > 0 && random.chance(0.6)) {
        counts.pushes += 1;
        await device.push(1 + random.below(20), impatience);
      } else {
        await device.pull(1 + random.below(40), impatience);
      }
    } catch (e) {
      if (!(e instanceof TypeError || e instanceof SyntaxError || e.name === 'AbortError' || e.name === 'TimeoutError')) throw e;
      counts.losses += 1; // no answer: whether it happened is not known
      await pause(random.below(100));
    }
    if (random.chance(0.02)) {
      counts.crashes += 1;
      device = device.crash();
    }
    await pause(100 + random.below(500));
  }
  return device;
}

// Until all is sent and nothing is new; the weather may take a while to clear. Each step answers null for as long as
// nothing can be said.
async function persist(step) {
  for (const deadline = Date.now() + 60_000; ; await pause(100)) {
    try {
      const answer = await step();
      if (answer !== null) return answer;
    } catch (e) {
      if (!(e instanceof TypeError)) throw e;
    }
    if (Date.now() > deadline) throw new Error('the weather does not clear');
  }
}
async function settle(device) {
  while (device.outbox.length > 0) await persist(() => device.push(1000));
}
async function catchUp(device) {
  for (let quiet = 0; quiet < 2; ) {
    const before = device.rows.size;
    const more = await persist(() => device.pull(1000));
    quiet = !more && device.rows.size === before ? quiet + 1 : 0;
  }
}

// -- the verdict --------------------------------------------------------------------------------------------------

const problems = [];

// A row that says something else than the change that made it.
function differs(row, change) {
  const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
  const fields = change.op === 'delete' ? (change.deletedAt && { deletedAt: { value: change.deletedAt, updatedAt: change.deletedAt } }) : change.fields;
  return !(row.table === change.table && row.id === change.id && row.op === change.op && same(row.data, change.data) &&
    same(row.fields, fields) && same(row.actor, change.actor) && (row.deletedAt ?? null) === (change.deletedAt ?? null));
}
const sorted = (value) =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]))
    : value;

function judge(user, devices) {
  const states = new Set();
  for (const device of devices) {
    const lost = [...made[user].keys()].filter((event) => !device.rows.has(event));
    const strange = [...device.rows.keys()].filter((event) => !made[user].has(event));
    if (lost.length > 0) problems.push(`${device.name} misses ${lost.length} of ${made[user].size} changes, such as ${lost[0]}`);
    if (strange.length > 0) problems.push(`${device.name} has ${strange.length} rows that nobody made, such as ${strange[0]}`);
    const wrong = [...device.rows.values()].find((row) => made[user].has(row.eventId) && differs(row, made[user].get(row.eventId)));
    if (wrong) problems.push(`${device.name} has ${JSON.stringify(wrong)} for ${JSON.stringify(made[user].get(wrong.eventId))}`);
    states.add(canonical(fold(device.rows.values())));
  }
  if (states.size !== 1) problems.push(`the devices of ${user} have ${states.size} different states`);
}

const crowd = Object.keys(tokens).flatMap((user, u) =>
  Array.from({ length: u === 0 ? 40 : 10 }, (_, n) => {
    const random = dice(`${user}-${n}`);
    return { user, random, device: new Device(`${user}-${n}`, app, requester(user, random)) };
  }),
);
console.error(`crowd: seed ${seed}`);
for (const [one, device] of (await Promise.all(crowd.map((c) => live(c.user, c.device, c.random)))).map((d, i) => [crowd[i], d])) one.device = device;
await Promise.all(crowd.map(({ device }) => settle(device)));
await Promise.all(crowd.map(({ device }) => catchUp(device)));
// One that was never there before gets the same.
for (const user of Object.keys(tokens)) {
  const fresh = new Device(`${user}-fresh`, app, requester(user, dice('fresh')));
  await catchUp(fresh);
  crowd.push({ user, device: fresh });
}
for (const user of Object.keys(tokens)) judge(user, crowd.filter((c) => c.user === user).map((c) => c.device));
const repeated = crowd.reduce((sum, { device }) => sum + device.repeated, 0);
const perUser = Object.fromEntries(Object.keys(tokens).map((user) => [user, made[user].size]));
console.log(JSON.stringify({ seed, ...counts, repeated, perUser }));
for (const p of problems.slice(0, 20)) console.error(p);
process.exit(problems.length > 0 ? 1 : 0);
