// Key derivation (contract section 4).
import { byUtf8, concat, prefixed, sha256, subtle, toHex, uint32, utf8 } from './bytes.mjs';

const keyLength = 32;

// HKDF-SHA256 as browsers have it.
async function hkdf(key, salt, info) {
  const base = await subtle.importKey('raw', key, 'HKDF', false, ['deriveBits']);
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info };
  return new Uint8Array(await subtle.deriveBits(parameters, base, keyLength * 8));
}

async function hmac(key, ...parts) {
  const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await subtle.sign('HMAC', imported, concat(...parts)));
}

// The same with an info of any length: libraries have limits for it. One block of output is all that is needed.
async function hkdfWithLongInfo(key, salt, info) {
  return hmac(await hmac(salt, key), info, Uint8Array.of(1));
}

export const recordName = (table, id) => `${table}:${id}`;

export const deriveRecordKey = (masterKey, table, id) =>
  hkdf(masterKey, utf8(recordName(table, id)), utf8('mana-record-key:v1'));

// -- mission keys -------------------------------------------------------------------------------------------------

// Array.prototype.sort orders by UTF-16 code units, which is what v1 asks for. Duplicates stay.
export const infoV1 = ({ tables, recordIds }) =>
  utf8(`mana-ai-mission-grant:v1:tables=${[...tables].sort().join(',')}:ids=${[...recordIds].sort().join(',')}`);

export const deriveMissionKeyV1 = (masterKey, derivation) =>
  hkdfWithLongInfo(masterKey, utf8(derivation.missionId), infoV1(derivation));

const grantV2 = utf8('mana-ai-mission-grant:v2');
const sortedSet = (list) => [...new Set(list)].sort(byUtf8);

// The bytes that a v2 grant binds.
export function canonicalGrant(userId, { missionId, tables, recordIds }, issuedAt, expiresAt) {
  const list = (entries) => [uint32(entries.length), ...entries.map(prefixed)];
  const texts = [userId, missionId, issuedAt, expiresAt].map(prefixed);
  return concat(grantV2, ...texts, ...list(sortedSet(tables)), ...list(sortedSet(recordIds)));
}

export const deriveMissionKeyV2 = async (masterKey, missionId, canonical) =>
  hkdf(masterKey, utf8(missionId), concat(grantV2, await sha256(canonical)));

// -- others -------------------------------------------------------------------------------------------------------

export const deriveRecoveryKey = (secret) => hkdf(secret, new Uint8Array(0), utf8('mana-recovery-v1'));

// How a public key is named: the first 16 hex digits of SHA-256 of its SPKI DER.
export const keyIdOf = async (spki) => toHex(await sha256(spki)).slice(0, 16);
