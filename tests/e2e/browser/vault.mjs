// The vault: a master key under a key encryption key, or under what a recovery code says.
import { fromBase64, fromHex, toBase64, toHex } from './bytes.mjs';
import { open, seal } from './envelope.mjs';
import { deriveRecoveryKey } from './keys.mjs';

export async function wrapMasterKey(kek, masterKey) {
  const { iv, ciphertext } = await seal(kek, masterKey);
  return { wrapIv: toBase64(iv), wrappedMk: toBase64(ciphertext) };
}

export const unwrapMasterKey = (kek, wrapIv, wrappedMk) => open(kek, fromBase64(wrapIv), fromBase64(wrappedMk));

// -- recovery codes -----------------------------------------------------------------------------------------------

export const formatRecoveryCode = (secret) => toHex(secret).toUpperCase().match(/.{4}/g).join('-');

// Blanks, hyphens and case do not matter.
export function parseRecoveryCode(code) {
  const digits = code.replace(/[\s-]/g, '');
  if (!/^[0-9a-f]{64}$/i.test(digits)) throw new Error('a recovery code has 64 hex digits');
  return fromHex(digits);
}

export async function recoveryWrap(secret, masterKey) {
  const { wrapIv, wrappedMk } = await wrapMasterKey(await deriveRecoveryKey(secret), masterKey);
  return { recoveryIv: wrapIv, recoveryWrappedMk: wrappedMk };
}

export const recoverMasterKey = async (code, { recoveryIv, recoveryWrappedMk }) =>
  unwrapMasterKey(await deriveRecoveryKey(parseRecoveryCode(code)), recoveryIv, recoveryWrappedMk);
