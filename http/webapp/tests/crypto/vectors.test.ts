import { fromBase64, fromHex, sameBytes, toBase64, toHex, utf8 } from '$lib/crypto/bytes';
import { decrypt, OpenError } from '$lib/crypto/envelope';
import { deriveRecordKey, importMasterKey, useMasterKeys } from '$lib/crypto/keys';
import {
  formatRecoveryCode,
  parseRecoveryCode,
  recoverMasterKey,
  wrapForRecovery,
} from '$lib/crypto/recovery';
import { isSealed, open, seal, sealedKind } from '$lib/crypto/sealed';
import { describe, expect, it } from 'vitest';
import { vectors } from '../vectors';

const masterKey = (name: string) => fromHex(vectors.master_keys[name]);
const use = async (raw: Uint8Array<ArrayBuffer>) => useMasterKeys(await importMasterKey(raw));

async function reasonOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (e) {
    if (e instanceof OpenError) return e.reason;
    throw e;
  }
  return 'opened';
}

describe('enc:2', () => {
  for (const c of vectors.v2.enc2) {
    it(`${c.table}.${c.field}`, async () => {
      await use(masterKey(c.master_key));
      expect(sealedKind(c.blob)).toBe(2);
      expect(await open(c.table, c.recordId, c.field, c.blob)).toEqual(c.value);
      const again = await seal(c.table, c.recordId, c.field, c.value);
      expect(again).not.toBe(c.blob);
      expect(await open(c.table, c.recordId, c.field, again)).toEqual(c.value);
    });
  }
  for (const c of vectors.v2.enc2_fail) {
    it(c.name, async () => {
      await use(masterKey(c.master_key));
      expect(await reasonOf(open(c.table, c.recordId, c.field, c.blob))).toBe(c.reason);
    });
  }
});

describe('the key of a record', () => {
  for (const c of vectors.v2.grants) {
    it(`is that of the grant ${c.name}`, async () => {
      const { derive } = await importMasterKey(masterKey(c.master_key));
      for (const [name, hex] of Object.entries<string>(c.record_key_hex)) {
        const [table, id] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)];
        const expected = await crypto.subtle.importKey('raw', fromHex(hex), 'AES-GCM', false, ['encrypt']);
        const iv = new Uint8Array(12);
        const sealed = new Uint8Array(
          await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, expected, utf8('x')),
        );
        const own = await deriveRecordKey(derive, table!, id!);
        expect(sameBytes(await decrypt(own, iv, sealed), utf8('x'))).toBe(true);
        expect(own.extractable).toBe(false);
      }
    });
  }
});

describe('enc:1', () => {
  for (const c of vectors.enc1.ok) {
    it(`opens ${c.name}`, async () => {
      await use(fromHex(vectors.enc1.keys[c.key]));
      const value = await open('notes', 'n', 'title', c.blob);
      if ('value' in c) expect(value).toEqual(c.value);
      const digest = await crypto.subtle.digest('SHA-256', utf8(JSON.stringify(value)));
      expect(toHex(new Uint8Array(digest))).toBe(c.plaintext_sha256);
    });
  }
  for (const c of vectors.enc1.fail) {
    it(`refuses ${c.name}`, async () => {
      await use(fromHex(vectors.enc1.keys[c.key]));
      expect(await reasonOf(open('notes', 'n', 'title', c.blob))).toBe(c.reason);
    });
  }
  it('is told from other values', () => {
    for (const c of vectors.enc1.passthrough) expect(sealedKind(c.value) === 1, c.value).toBe(c.is_encrypted);
    expect(isSealed('plain')).toBe(false);
  });
});

describe('recovery', () => {
  const c = vectors.vault.recovery;
  const secret = fromHex(c.secret_hex);
  it('finds the master key', async () => {
    expect(formatRecoveryCode(secret)).toBe(c.formatted_code);
    expect(toHex(await recoverMasterKey(c.formatted_code, c))).toBe(vectors.master_keys[c.master_key]);
    const again = await wrapForRecovery(secret, masterKey(c.master_key));
    expect(toHex(await recoverMasterKey(c.formatted_code, again))).toBe(vectors.master_keys[c.master_key]);
  });
  it('takes a code as people type it', () => {
    for (const code of c.accepted_variants) expect(toHex(parseRecoveryCode(code))).toBe(c.secret_hex);
  });
  it('says of what is no code that it is none', () => {
    for (const { code, why } of c.rejected_variants)
      expect(() => parseRecoveryCode(code), why).toThrow(
        expect.objectContaining({ code: 'RECOVERY_CODE_MALFORMED' }),
      );
  });
  it('says of another code that it is the wrong one', async () => {
    const other = formatRecoveryCode(new Uint8Array(32));
    await expect(recoverMasterKey(other, c)).rejects.toMatchObject({ code: 'RECOVERY_CODE_WRONG' });
  });
});

describe('base64', () => {
  it('is strict', () => {
    for (const bad of ['@', 'A', 'AA=', 'A===', 'AAAA=', ' AAAA', 'AA-_'])
      expect(fromBase64(bad), bad).toBeUndefined();
    expect(fromBase64('AAE')).toEqual(Uint8Array.of(0, 1));
  });
  it('takes bytes of any length', () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, n) => n % 251);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  });
});
