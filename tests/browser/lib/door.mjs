// The one address that browsers know of a service: what is behind it may change, and it may be shut.
import { connect, createServer } from 'node:net';
import { builds } from './service.mjs';

export class Door {
  url = `http://127.0.0.1:${builds.door}`;
  #server;
  #open = new Set();

  /** To the instance at this port of the machine, from now on. */
  async openTo(port) {
    await this.shut();
    this.#server = createServer((inside) => {
      const outside = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ]) {
        this.#open.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#open.delete(one);
          other.destroy();
        });
      }
      inside.pipe(outside).pipe(inside);
    });
    await new Promise((listening, failed) =>
      this.#server.once('error', failed).listen(builds.door, '127.0.0.1', listening),
    );
  }

  /** Nobody answers any more, and who was connected is cut off. */
  async shut() {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((done) => server.close(done));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
