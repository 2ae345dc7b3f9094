#!/usr/bin/env node
// A WebSocket on /ws, for scripts: signs in with the token on stdin and prints what it hears, a JSON object per line:
// {at, message} or, at the end, {at, closed}; {at, refused} before it when it was never open.
//
//   socket.mjs <ws-url> [origin]
import { readFileSync } from 'node:fs';
import { openSocket } from './websocket.mjs';

const [address, origin] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify({ at: Date.now(), ...what }));
openSocket(address, readFileSync(0, 'utf8').trim(), {
  origin,
  message: (message) => say({ message }),
  closed: (closed) => say({ closed }),
  refused: (refused) => say({ refused }),
});
