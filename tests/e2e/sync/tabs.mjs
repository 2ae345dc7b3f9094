#!/usr/bin/env node
// Tabs of a few users, each with a WebSocket, that follow the log as the browser does (http/webapp/src/sync): they pull
// when the socket is ready and when it tells of a change, open it again with growing pauses when it breaks, and try
// again what failed. One tab of each user writes all the time. Nobody polls, so that a change is missed of which nobody
// tells.
//
//   tabs.mjs <tabs per user> <changes per second and user> <tokens.json> <url>
//
// tokens.json: {user: token}. On SIGTERM each writes once more; when every tab has every change, or after 50 s, it
// prints {tabs, changes, pushes, opened, notices, lost: [when], bad, repeated, closes, refused, settledMs, lagMs} and
// exits, with 1 when something is missing, was never made, or was answered with an error.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Device } from './device.mjs';
import { openSocket } from './websocket.mjs';

const [perUser, perSecond, tokensFile, url] = process.argv.slice(2);
const tokens = JSON.parse(readFileSync(tokensFile, 'utf8'));
const app = 'todo';
const settleMs = 50_000;

// What the browser waits: sync/backoff.ts, sync/socket.ts.
const backoffMs = (failures) => Math.min(60_000, 1_000 * 2 ** Math.min(failures - 1, 16)) * (0.5 + 0.5 * Math.random());
const steadyMs = 30_000;
const authTimeoutMs = 15_000;

const counts = { pushes: 0, opened: 0, notices: 0 };
const lost = []; // when a request had no answer
const closes = {}; // by code, 0 without one
const refused = {}; // upgrades, by status
const bad = []; // answers that are none of a service that is well
const made = Object.fromEntries(Object.keys(tokens).map((user) => [user, new Map()])); // by event id: when it was taken
const count = (table, key) => (table[key] = (table[key] ?? 0) + 1);

class NoAnswer extends Error {}

const requester = (user) => async (path, { method, body }) => {
  let response, text;
  try {
    response = await fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${tokens[user]}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (e) {
    lost.push(Date.now()); // whether it happened is not known
    throw new NoAnswer(e.message);
  }
  if (response.status === 200) return { status: 200, answer: JSON.parse(text) };
  bad.push(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
  throw new NoAnswer(`status ${response.status}`);
};

// When each row came.
class Rows extends Map {
  came = new Map();
  set(event, row) {
    if (!this.has(event)) this.came.set(event, Date.now());
    return super.set(event, row);
  }
}

class Tab {
  constructor(user, n) {
    this.user = user;
    this.device = new Device(`${user}-${n}`, app, requester(user));
    this.device.rows = new Rows();
    this.wanted = this.running = false;
    this.failures = 0; // of rounds, in a row
    this.breaks = 0; // of the socket, in a row
    this.openSocket();
  }

  openSocket() {
    const started = Date.now();
    let ready = false;
    const timer = setTimeout(() => socket.close(), authTimeoutMs);
    const socket = openSocket(url.replace(/^http/, 'ws') + '/ws', tokens[this.user], {
      message: ({ type }) => {
        if (type === 'auth-ok') {
          ready = true;
          counts.opened += 1;
          clearTimeout(timer);
        } else if (type === 'sync-available') {
          counts.notices += 1;
        }
        this.want();
      },
      refused: (status) => count(refused, status),
      closed: (code) => {
        clearTimeout(timer);
        count(closes, code);
        this.breaks = ready && Date.now() - started > steadyMs ? 1 : this.breaks + 1;
        setTimeout(() => this.openSocket(), backoffMs(this.breaks));
      },
    });
  }

  write() {
    const id = randomUUID();
    this.device.outbox.push({ eventId: id, table: 'tasks', id, op: 'insert', data: { id, title: 'Laufen' } });
    made[this.user].set(id, undefined);
    // After a failure the retry comes anyway.
    if (this.failures === 0) this.want();
  }

  want() {
    this.wanted = true;
    if (!this.running) this.work().catch(fatal);
  }
  async work() {
    this.running = true;
    clearTimeout(this.retry);
    while (this.wanted) {
      this.wanted = false;
      try {
        await this.round();
        this.failures = 0;
      } catch (e) {
        if (!(e instanceof NoAnswer)) throw e;
        this.failures += 1;
        this.retry = setTimeout(() => this.want(), backoffMs(this.failures));
      }
    }
    this.running = false;
  }
  async round() {
    const { device } = this;
    while (device.outbox.length > 0) {
      const sent = device.outbox.slice(0, 500);
      counts.pushes += 1;
      await device.push(500);
      for (const { eventId } of sent) made[this.user].set(eventId, Date.now());
    }
    while (await device.pull(1000));
  }

  get is_complete() {
    return this.device.outbox.length === 0 && this.device.rows.size === made[this.user].size;
  }
}

function fatal(e) {
  console.error(e);
  process.exit(1);
}

const tabs = Object.keys(tokens).flatMap((user) => Array.from({ length: Number(perUser) }, (_, n) => new Tab(user, n)));
const writers = Object.keys(tokens).map((user) => tabs.find((t) => t.user === user));
const writing = setInterval(() => writers.forEach((t) => t.write()), 1000 / Number(perSecond));

// -- the verdict ----------------------------------------------------------------------------------------------------

function problems() {
  return [
    ...bad,
    ...tabs.flatMap(({ user, device }) => {
      const missing = [...made[user].keys()].filter((event) => !device.rows.has(event));
      const strange = [...device.rows.keys()].filter((event) => !made[user].has(event));
      return [
        missing.length > 0 && `${device.name} misses ${missing.length} of ${made[user].size}, such as ${missing[0]}`,
        strange.length > 0 && `${device.name} has ${strange.length} that nobody made, such as ${strange[0]}`,
      ].filter(Boolean);
    }),
  ];
}

// From the answer of a push to the row on another tab, over all tabs and changes.
function lags() {
  const all = tabs
    .flatMap(({ user, device }) => [...device.rows.came].map(([event, at]) => Math.max(0, at - made[user].get(event))))
    .sort((a, b) => a - b);
  const at = (share) => all[Math.min(all.length - 1, Math.floor(all.length * share))];
  return { p50: at(0.5), p99: at(0.99), max: all.at(-1) };
}

function judge(settledMs) {
  const found = problems();
  const changes = Object.values(made).reduce((sum, m) => sum + m.size, 0);
  const repeated = tabs.reduce((sum, { device }) => sum + device.repeated, 0);
  const all = { tabs: tabs.length, changes, ...counts, lost, bad: bad.length, repeated, closes, refused, settledMs };
  console.log(JSON.stringify({ ...all, ...(found.length === 0 && { lagMs: lags() }) }));
  for (const p of found.slice(0, 20)) console.error(p);
  process.exit(found.length > 0 ? 1 : 0);
}

process.once('SIGTERM', () => {
  clearInterval(writing);
  writers.forEach((t) => t.write());
  const since = Date.now();
  setInterval(() => {
    const took = Date.now() - since;
    if (took > settleMs || tabs.every((t) => t.is_complete)) judge(took);
  }, 50);
});
