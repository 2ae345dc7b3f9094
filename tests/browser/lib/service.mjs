// The service as run.sh started it, and what only its operator can do.
import { execFileSync } from 'node:child_process';

const needed = (name) => process.env[name] ?? raise(`${name} is not set: run tests/browser/run.sh`);
function raise(text) {
  throw new Error(text);
}

/** Where the app is served, by how that instance is set up. */
export const app = {
  /** Everything configured. */
  whole: needed('MANA_APP_URL'),
  /** No public key: no grants. The same database. */
  withoutGrants: needed('MANA_APP_WITHOUT_GRANTS_URL'),
  /** One grant per hour. The same database. */
  oneGrant: needed('MANA_APP_ONE_GRANT_URL'),
  /** A database of its own, and no server that plans by itself: only tabs, and `tick`. */
  tabs: needed('MANA_APP_TABS_URL'),
};

/** Ports of two builds that call themselves by the door's address (lib/door.mjs). The database of `whole`. */
export const builds = {
  door: Number(needed('MANA_DOOR_PORT')),
  first: Number(needed('MANA_FIRST_BUILD_PORT')),
  later: Number(needed('MANA_LATER_BUILD_PORT')),
};

/** Where screenshots go. */
export const pictures = needed('MANA_PICTURES');

/** As the database's superuser; the first column of the first row. */
export function sql(text) {
  const options = { encoding: 'utf8' };
  return execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', needed('MANA_SUPERUSER_URL'), '-c', text], options)
    .split('\n')[0];
}

const serviceKey = () => ({ 'X-Service-Key': needed('MANA_SERVICE_KEY') });

/** What the runner says about a user's missions. */
export async function missionsOf(userId) {
  const answer = await fetch(`${app.whole}/internal/missions/${userId}`, { headers: serviceKey() });
  if (!answer.ok) raise(`/internal/missions: ${answer.status}`);
  return (await answer.json()).missions;
}

/** Runs what is due and waits for it. */
export async function tick(url = app.whole) {
  const answer = await fetch(`${url}/internal/tick`, { method: 'POST', headers: serviceKey() });
  if (!answer.ok) raise(`/internal/tick: ${answer.status}`);
  return answer.json();
}

/** Polls until `look` gives something truthy. */
export async function eventually(what, look, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) raise(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A user's API without a browser: another device of theirs, or somebody with curl. */
export class Account {
  static async signIn(name, password, url = app.whole) {
    const a = new Account();
    a.url = url;
    const answer = await a.call('POST', '/api/v1/auth/login', { name, password });
    a.userId = answer.userId;
    a.token = answer.accessToken;
    return a;
  }

  async call(method, path, body) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token && { Authorization: `Bearer ${this.token}` }),
        ...(body && { 'Content-Type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) raise(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Everything of one app in the log, page by page. */
  async pull(appId) {
    const changes = [];
    let since = '';
    for (let more = true; more; ) {
      const page = await this.call('GET', `/sync/${appId}/pull?since=${encodeURIComponent(since)}`);
      changes.push(...page.serverChanges);
      [since, more] = [page.syncedUntil, page.hasMore];
    }
    return changes;
  }

  /** Sets fields of a record, now. */
  update(appId, table, id, values) {
    const updatedAt = new Date().toISOString();
    const fields = Object.fromEntries(
      Object.entries({ ...values, updatedAt }).map(([name, value]) => [name, { value, updatedAt }]),
    );
    const change = { table, id, op: 'update', fields, eventId: crypto.randomUUID() };
    return this.call('POST', `/sync/${appId}`, { clientId: 'another-device', since: '', changes: [change] });
  }

  /** Missions and budget as the runner has them. */
  runnerView = () => this.call('GET', '/api/v1/me/missions');

  /** A mission's iterations in the log, the newest word on each. */
  async iterations(mission) {
    const byId = new Map();
    for (const { id, data, fields } of await this.pull('ai'))
      if (id === mission)
        for (const one of fields?.iterations?.value ?? data?.iterations ?? []) byId.set(one.id, one);
    return [...byId.values()];
  }

  auditRows = async () => (await this.call('GET', '/api/v1/me/ai-audit?limit=1000')).rows;
}
