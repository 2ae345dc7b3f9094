// The master key under a recovery code (wire contract, section 4): 32 random bytes as 64 hex digits in groups of four.
import { ApiError } from '$lib/api/request';
import { fromBase64, fromHex, randomBytes, toBase64, toHex, utf8 } from './bytes';
import { decrypt, encrypt } from './envelope';

type Bytes = Uint8Array<ArrayBuffer>;

export interface RecoveryWrap {
  recoveryWrappedMk: string;
  recoveryIv: string;
}

export const newRecoverySecret = (): Bytes => randomBytes(32);

export const formatRecoveryCode = (secret: Bytes): string =>
  toHex(secret).toUpperCase().match(/.{4}/g)!.join('-');

/** Blanks, hyphens and case do not matter. Throws RECOVERY_CODE_MALFORMED. */
export function parseRecoveryCode(code: string): Bytes {
  const digits = code.replace(/[\s-]/g, '');
  if (!/^[0-9a-f]{64}$/i.test(digits)) throw new ApiError(0, 'RECOVERY_CODE_MALFORMED');
  return fromHex(digits);
}

async function wrappingKey(secret: Bytes): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8('mana-recovery-v1') },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

export async function wrapForRecovery(secret: Bytes, masterKey: Bytes): Promise<RecoveryWrap> {
  const { iv, ciphertext } = await encrypt(await wrappingKey(secret), masterKey);
  return { recoveryWrappedMk: toBase64(ciphertext), recoveryIv: toBase64(iv) };
}

/** Throws RECOVERY_CODE_MALFORMED or RECOVERY_CODE_WRONG. */
export async function recoverMasterKey(code: string, wrap: RecoveryWrap): Promise<Bytes> {
  const key = await wrappingKey(parseRecoveryCode(code));
  try {
    return await decrypt(key, fromBase64(wrap.recoveryIv), fromBase64(wrap.recoveryWrappedMk));
  } catch {
    throw new ApiError(0, 'RECOVERY_CODE_WRONG');
  }
}
