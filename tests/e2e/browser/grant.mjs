// Key grants: opened as the runner would, checked as the user can, and issued as the auth target does (load tests make
// thousands of them without a server).
import { fromBase64, fromPem, sameBytes, sha256, subtle, toBase64, utf8 } from './bytes.mjs';
import { openKey, sealKey } from './envelope.mjs';
import {
  canonicalGrant, deriveMissionKeyV1, deriveMissionKeyV2, deriveRecordKey, keyIdOf,
} from './keys.mjs';

const rsa = { name: 'RSA-OAEP', hash: 'SHA-256' };

// `<table>:<id>`: a table's name holds no colon, an id may.
export function splitRecordName(name) {
  const colon = name.indexOf(':');
  return [name.slice(0, colon), name.slice(colon + 1)];
}

const canonicalOf = (grant, userId, missionId = grant.derivation.missionId) =>
  canonicalGrant(userId, { ...grant.derivation, missionId }, grant.issuedAt, grant.expiresAt);

// -- opening ------------------------------------------------------------------------------------------------------

// {missionKey} or {skip: reason}, the reasons in the order of the contract.
export async function unwrapGrant(grant, { privateKeyPem, userId, missionId, now }) {
  if (!privateKeyPem) return { skip: 'not-configured' };
  const expires = Date.parse(grant.expiresAt);
  if (Number.isNaN(expires) || expires <= Date.parse(now)) return { skip: 'expired' };
  const wrapped = fromBase64(grant.wrappedKey);
  if (!wrapped) return { skip: 'malformed' };
  const key = await subtle.importKey('pkcs8', fromPem(privateKeyPem), rsa, false, ['decrypt']);
  const isV2 = grant.derivation.version === 'v2';
  const label = isV2 ? { label: await sha256(canonicalOf(grant, userId, missionId)) } : {};
  let missionKey;
  try {
    missionKey = new Uint8Array(await subtle.decrypt({ name: 'RSA-OAEP', ...label }, key, wrapped));
  } catch {
    return { skip: 'wrap-rejected' };
  }
  return missionKey.length === 32 ? { missionKey } : { skip: 'malformed' };
}

export const openRecordKeyOf = (grant, missionKey, name) => openKey(missionKey, grant.recordKeys[name], utf8(name));

// -- checking -----------------------------------------------------------------------------------------------------

const own = (text, what) => {
  throw new Error(`the grant's ${what} is not what was asked for: ${text}`);
};

function checkScope({ derivation }, asked) {
  const same = (a, b) => JSON.stringify([...new Set(a)].sort()) === JSON.stringify([...new Set(b)].sort());
  if (derivation.version !== 'v2') own(derivation.version, 'version');
  if (derivation.missionId !== asked.missionId) own(derivation.missionId, 'mission');
  if (!same(derivation.tables, asked.tables)) own(derivation.tables, 'list of tables');
  if (!same(derivation.recordIds, asked.recordIds)) own(derivation.recordIds.length, 'list of records');
}

// That an issued grant is for exactly what was asked and holds exactly the keys that the master key yields. With the
// runner's private key also that the runner can open it; else that part is taken on trust.
export async function checkGrant(grant, { userId, masterKey, asked, publicKeyPem, privateKeyPem }) {
  checkScope(grant, asked);
  const canonical = canonicalOf(grant, userId);
  const missionKey = await deriveMissionKeyV2(masterKey, asked.missionId, canonical);
  const names = [...new Set(asked.recordIds)].sort();
  if (JSON.stringify(Object.keys(grant.recordKeys).sort()) !== JSON.stringify(names)) own('', 'set of record keys');
  for (const name of names) {
    const expected = await deriveRecordKey(masterKey, ...splitRecordName(name));
    if (!sameBytes(await openRecordKeyOf(grant, missionKey, name), expected)) own(name, 'key of a record');
  }
  if (publicKeyPem && grant.keyId !== (await keyIdOf(fromPem(publicKeyPem)))) own(grant.keyId, 'key id');
  if (privateKeyPem) {
    const context = { privateKeyPem, userId, missionId: asked.missionId, now: grant.issuedAt };
    const unwrapped = await unwrapGrant(grant, context);
    if (unwrapped.skip) own(unwrapped.skip, 'wrap');
    if (!sameBytes(unwrapped.missionKey, missionKey)) own('', 'mission key');
  }
  return { canonical, missionKey };
}

// -- issuing ------------------------------------------------------------------------------------------------------

export async function importPublicKey(pem) {
  const spki = fromPem(pem);
  return { key: await subtle.importKey('spki', spki, rsa, false, ['encrypt']), keyId: await keyIdOf(spki) };
}

const isoIn = (ms) => new Date(Date.now() + ms).toISOString();

export async function issueGrant({ userId, masterKey, asked, ttlMs = 7 * 86_400_000 }, publicKey) {
  const { missionId, tables, recordIds } = asked;
  const grant = {
    derivation: { version: 'v2', missionId, tables, recordIds },
    issuedAt: isoIn(0), expiresAt: isoIn(ttlMs), keyId: publicKey.keyId, recordKeys: {},
  };
  const canonical = canonicalOf(grant, userId);
  const missionKey = await deriveMissionKeyV2(masterKey, missionId, canonical);
  const label = await sha256(canonical);
  const wrapped = await subtle.encrypt({ name: 'RSA-OAEP', label }, publicKey.key, missionKey);
  grant.wrappedKey = toBase64(new Uint8Array(wrapped));
  for (const name of recordIds) {
    const recordKey = await deriveRecordKey(masterKey, ...splitRecordName(name));
    grant.recordKeys[name] = await sealKey(missionKey, recordKey, utf8(name));
  }
  return grant;
}

// As an old installation issued them: the scope enters the key, but nothing else is bound.
export async function issueGrantV1({ masterKey, asked, ttlMs = 7 * 86_400_000 }, publicKey) {
  const derivation = { version: 'v1', ...asked };
  const missionKey = await deriveMissionKeyV1(masterKey, derivation);
  const wrapped = await subtle.encrypt({ name: 'RSA-OAEP' }, publicKey.key, missionKey);
  const wrappedKey = toBase64(new Uint8Array(wrapped));
  return { wrappedKey, derivation, issuedAt: isoIn(0), expiresAt: isoIn(ttlMs) };
}
