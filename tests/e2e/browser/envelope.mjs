// Sealed values: fields of records (enc:1, enc:2), keys in grants and vaults. All are AES-256-GCM with a 12-byte IV and
// a 16-byte tag at the end.
import { concat, fromBase64, fromUtf8, randomBytes, subtle, toBase64, utf8 } from './bytes.mjs';
import { recordName } from './keys.mjs';

const ivLength = 12;
const tagLength = 16;

// Why a value does not open, in the words of the audit.
export class OpenError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const aes = (key, usage) => subtle.importKey('raw', key, 'AES-GCM', false, [usage]);
const parameters = (iv, aad) => ({ name: 'AES-GCM', iv, ...(aad && { additionalData: aad }) });

export async function seal(key, plaintext, aad, iv = randomBytes(ivLength)) {
  const imported = await aes(key, 'encrypt');
  return { iv, ciphertext: new Uint8Array(await subtle.encrypt(parameters(iv, aad), imported, plaintext)) };
}

export async function open(key, iv, ciphertext, aad) {
  if (iv?.length !== ivLength || !(ciphertext?.length >= tagLength)) throw new OpenError('ciphertext-malformed');
  const imported = await aes(key, 'decrypt');
  try {
    return new Uint8Array(await subtle.decrypt(parameters(iv, aad), imported, ciphertext));
  } catch {
    throw new OpenError('ciphertext-tampered-or-wrong-key');
  }
}

// -- keys under keys ----------------------------------------------------------------------------------------------

export async function sealKey(key, inner, aad) {
  const { iv, ciphertext } = await seal(key, inner, aad);
  return toBase64(concat(iv, ciphertext));
}

export async function openKey(key, text, aad) {
  const bytes = fromBase64(text);
  if (!bytes) throw new OpenError('ciphertext-malformed');
  return open(key, bytes.subarray(0, ivLength), bytes.subarray(ivLength), aad);
}

// -- fields -------------------------------------------------------------------------------------------------------

const enc1 = 'enc:1:';
const enc2 = 'enc:2:';

export const isEnc1 = (value) => typeof value === 'string' && value.startsWith(enc1);
export const isEnc2 = (value) => typeof value === 'string' && value.startsWith(enc2);

const fieldAad = (table, id, field) => utf8(`${recordName(table, id)}:${field}`);

async function sealed(prefix, key, value, aad) {
  const { iv, ciphertext } = await seal(key, utf8(JSON.stringify(value)), aad);
  return `${prefix}${toBase64(iv)}.${toBase64(ciphertext)}`;
}

async function opened(prefix, key, text, aad) {
  const [iv, ciphertext, ...more] = text.slice(prefix.length).split('.');
  if (!text.startsWith(prefix) || ciphertext === undefined || more.length) throw new OpenError('ciphertext-malformed');
  const plaintext = await open(key, fromBase64(iv), fromBase64(ciphertext), aad);
  try {
    return JSON.parse(fromUtf8(plaintext));
  } catch {
    throw new OpenError('decrypt-failed');
  }
}

export const sealEnc1 = (key, value) => sealed(enc1, key, value);
export const openEnc1 = (key, text) => opened(enc1, key, text);
export const sealEnc2 = (recordKey, table, id, field, value) =>
  sealed(enc2, recordKey, value, fieldAad(table, id, field));
export const openEnc2 = (recordKey, table, id, field, text) =>
  opened(enc2, recordKey, text, fieldAad(table, id, field));
