// A WebSocket on /ws, made here: Node 20 has no client.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

function frame(opcode, payload) {
  const mask = randomBytes(4);
  const size = payload.length < 126 ? [payload.length | 0x80] : [126 | 0x80, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size]), mask, payload.map((byte, i) => byte ^ mask[i & 3])]);
}

// The first whole frame, and what is behind it.
function parse(bytes) {
  if (bytes.length < 2) return null;
  const long = (bytes[1] & 0x7f) === 126;
  const start = long ? 4 : 2;
  if (bytes.length < start) return null;
  const end = start + (long ? bytes.readUInt16BE(2) : bytes[1] & 0x7f);
  return bytes.length < end ? null : { opcode: bytes[0] & 15, payload: bytes.subarray(start, end), rest: bytes.subarray(end) };
}

// Signs in with `token`, unless it is empty. `message(value)` gets what is heard; at the end `closed(code)`, 0 without
// a close frame, and before that `refused(status)` when it was never open. The answer's `close()` ends it.
export function openSocket(address, token, { origin, message, closed, refused = () => {} }) {
  const url = new URL(address);
  let bytes = Buffer.alloc(0);
  let open = false;
  let code = 0;
  const socket = connect(Number(url.port), url.hostname, () => {
    socket.setNoDelay(true);
    socket.write(
      `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
        `${origin ? `Origin: ${origin}\r\n` : ''}\r\n`,
    );
  });
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    if (!open) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const status = Number(bytes.subarray(9, 12).toString());
      if (status !== 101) {
        refused(status);
        socket.destroy();
        return;
      }
      open = true;
      bytes = bytes.subarray(end + 4);
      if (token) socket.write(frame(1, Buffer.from(JSON.stringify({ type: 'auth', token }))));
    }
    for (let next; (next = parse(bytes)); bytes = next.rest) {
      if (next.opcode === 1) message(JSON.parse(next.payload.toString('utf8')));
      if (next.opcode === 9) socket.write(frame(10, next.payload));
      if (next.opcode === 8) {
        code = next.payload.readUInt16BE(0);
        socket.end(frame(8, next.payload.subarray(0, 2)));
      }
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => closed(code));
  return { close: () => socket.destroy() };
}
