// Bytes and their spellings. Decoding is strict: what the services would refuse is refused here too.
import { webcrypto } from 'node:crypto';

export const { subtle } = webcrypto;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const utf8 = (text) => encoder.encode(text);
export const fromUtf8 = (bytes) => strictDecoder.decode(bytes);

export const toHex = (bytes) => Buffer.from(bytes).toString('hex');
export function fromHex(text) {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new Error('not hex');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export const toBase64 = (bytes) => Buffer.from(bytes).toString('base64');

// Standard alphabet; padding may be left out, but not be wrong. null: no base64.
export function fromBase64(text) {
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const digits = text.replace(/=+$/, '');
  if (digits.length % 4 === 1) return null;
  if (digits.length !== text.length && text.length % 4 !== 0) return null;
  return new Uint8Array(Buffer.from(digits, 'base64'));
}

export function concat(...parts) {
  return new Uint8Array(Buffer.concat(parts));
}

export const sameBytes = (a, b) => Buffer.compare(a, b) === 0;
export const byUtf8 = (a, b) => Buffer.compare(utf8(a), utf8(b));

export function uint32(n) {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, n);
  return out;
}

// A string as canonical forms hold it: length in bytes, then UTF-8.
export function prefixed(text) {
  const bytes = utf8(text);
  return concat(uint32(bytes.length), bytes);
}

export const sha256 = async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes));

export const randomBytes = (n) => webcrypto.getRandomValues(new Uint8Array(n));

// The DER inside of the first PEM block.
export function fromPem(pem) {
  const body = /-----BEGIN [A-Z ]+-----([^-]+)-----END/.exec(pem);
  if (!body) throw new Error('no PEM');
  return new Uint8Array(Buffer.from(body[1], 'base64'));
}
