// One HTTP/1.1 request over a connection of its own, byte for byte: fetch would not send what is wrong on purpose.
// The service's answers have a Content-Length.
import { connect } from 'node:net';

function parsed(bytes, method) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [line, ...fields] = bytes.subarray(0, end).toString().split('\r\n');
  const headers = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  const body = bytes.subarray(end + 4);
  const status = Number(line.split(' ')[1]);
  const isEmpty = status === 101 || status === 204 || status === 304 || method === 'HEAD';
  const length = isEmpty ? 0 : Number(headers['content-length'] ?? NaN);
  return { status, headers, text: body.toString(), whole: body.length >= length };
}

// {status, headers, text}. `body` is sent as it is; `headers` may name a Content-Length that is not the body's.
export function exchange(base, method, target, { headers = {}, body = '', timeout = 60_000 } = {}) {
  const { hostname, port, host } = new URL(base);
  const fields = { Host: host, Connection: 'close', 'Content-Length': Buffer.byteLength(body), ...headers };
  const head = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${method} ${target} HTTP/1.1\r\n${head.join('')}\r\n${body}`),
    );
    const end = () => {
      const answer = parsed(bytes, method);
      socket.destroy();
      if (answer) resolve(answer);
      else reject(new Error(`${method} ${target}: the connection ended without an answer`));
    };
    socket.setTimeout(timeout, () => {
      socket.destroy();
      reject(new Error(`${method} ${target}: no answer within ${timeout} ms`));
    });
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data]);
      if (parsed(bytes, method)?.whole) end();
    });
    socket.on('end', end);
    socket.on('error', end);
  });
}
