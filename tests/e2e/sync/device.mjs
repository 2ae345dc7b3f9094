// One client of the sync routes: a local log, an outbox, a cursor. It survives whatever happens to a request: what was
// not acknowledged is pushed again under the same event ids, and a page that never arrived is asked for again.

const clone = (value) => structuredClone(value);

export class Device {
  // `request(path, {method, body, signal})` answers {status, answer}; it throws when there is no answer.
  constructor(name, app, request) {
    Object.assign(this, { name, app, request });
    this.rows = new Map(); // by event id
    this.outbox = []; // changes, oldest first
    this.since = '';
    this.repeated = 0; // rows that came again
  }

  // What is on its disk: a crash leaves this, and nothing of a request under way.
  crash() {
    return Object.assign(new Device(this.name, this.app, this.request), {
      rows: new Map(this.rows),
      outbox: clone(this.outbox),
      since: this.since,
      repeated: this.repeated,
    });
  }

  // Rows and cursor become durable together.
  #keep({ serverChanges, syncedUntil }) {
    for (const row of serverChanges) {
      const known = this.rows.get(row.eventId);
      if (!known) this.rows.set(row.eventId, row);
      else if (JSON.stringify(known) !== JSON.stringify(row)) throw new Error(`row ${row.eventId} has changed`);
      else this.repeated += 1;
    }
    this.since = syncedUntil;
  }

  // True when the changes were taken; null: the service cannot say just then.
  async push(count, signal) {
    const changes = this.outbox.slice(0, count);
    const body = { clientId: this.name, since: this.since, changes };
    const { status, answer } = await this.request(`/sync/${this.app}`, { method: 'POST', body, signal });
    if (status >= 500) return null;
    if (status !== 200) throw new Error(`push: ${status} ${JSON.stringify(answer)}`);
    this.#keep(answer);
    this.outbox = this.outbox.slice(changes.length);
    return true;
  }

  // One page; true: there is more; null: the service cannot say just then.
  async pull(limit, signal) {
    const query = new URLSearchParams({ since: this.since, limit });
    const { status, answer } = await this.request(`/sync/${this.app}/pull?${query}`, { method: 'GET', signal });
    if (status >= 500) return null;
    if (status !== 200) throw new Error(`pull: ${status} ${JSON.stringify(answer)}`);
    this.#keep(answer);
    return answer.hasMore;
  }
}
