// Sealed values (wire contract, section 4): `enc:<n>:` + base64(IV) + `.` + base64(ciphertext and tag), AES-256-GCM with
// a 12-byte IV; the plaintext is JSON.
import { fromBase64, fromUtf8, randomBytes, toBase64, utf8 } from './bytes';

const ivLength = 12;
const tagLength = 16;

export type OpenFailure = 'ciphertext-malformed' | 'ciphertext-tampered-or-wrong-key' | 'decrypt-failed';

/** Why a value does not open, in the words of the audit. */
export class OpenError extends Error {
  constructor(readonly reason: OpenFailure) {
    super(reason);
    this.name = 'OpenError';
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

const parameters = (iv: Bytes, aad: Bytes | undefined): AesGcmParams => ({
  name: 'AES-GCM',
  iv,
  ...(aad && { additionalData: aad }),
});

export async function encrypt(
  key: CryptoKey,
  plaintext: Bytes,
  aad?: Bytes,
): Promise<{ iv: Bytes; ciphertext: Bytes }> {
  const iv = randomBytes(ivLength);
  return { iv, ciphertext: new Uint8Array(await crypto.subtle.encrypt(parameters(iv, aad), key, plaintext)) };
}

export async function decrypt(
  key: CryptoKey,
  iv: Bytes | undefined,
  ciphertext: Bytes | undefined,
  aad?: Bytes,
): Promise<Bytes> {
  if (iv?.length !== ivLength || ciphertext === undefined || ciphertext.length < tagLength)
    throw new OpenError('ciphertext-malformed');
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(iv, aad), key, ciphertext));
  } catch {
    throw new OpenError('ciphertext-tampered-or-wrong-key');
  }
}

export async function sealText(prefix: string, key: CryptoKey, value: unknown, aad?: Bytes): Promise<string> {
  const { iv, ciphertext } = await encrypt(key, utf8(JSON.stringify(value)), aad);
  return `${prefix}${toBase64(iv)}.${toBase64(ciphertext)}`;
}

export async function openText(prefix: string, key: CryptoKey, text: string, aad?: Bytes): Promise<unknown> {
  const [iv, ciphertext, ...more] = text.slice(prefix.length).split('.');
  if (!text.startsWith(prefix) || iv === undefined || ciphertext === undefined || more.length > 0)
    throw new OpenError('ciphertext-malformed');
  const plaintext = await decrypt(key, fromBase64(iv), fromBase64(ciphertext), aad);
  try {
    return JSON.parse(fromUtf8(plaintext)) as unknown;
  } catch {
    throw new OpenError('decrypt-failed');
  }
}
