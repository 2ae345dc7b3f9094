#!/usr/bin/env node
// All test vectors that concern a client, against this client. `selftest.mjs [vectors.json]`; exit code 1 names what
// failed.
import { readFileSync } from 'node:fs';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { fromBase64, fromHex, fromPem, sha256, toBase64, toHex, utf8 } from './bytes.mjs';
import { canonicalHead, canonicalRow, verifyChain, verifyHead } from './audit.mjs';
import { isEnc1, isEnc2, openEnc1, openEnc2, sealEnc1, sealEnc2 } from './envelope.mjs';
import { checkGrant, importPublicKey, issueGrant, openRecordKeyOf, splitRecordName, unwrapGrant } from './grant.mjs';
import {
  canonicalGrant, deriveMissionKeyV1, deriveMissionKeyV2, deriveRecordKey, deriveRecoveryKey, infoV1, keyIdOf,
} from './keys.mjs';
import { signToken, verifyToken } from './token.mjs';
import { formatRecoveryCode, parseRecoveryCode, recoverMasterKey, recoveryWrap, unwrapMasterKey, wrapMasterKey } from './vault.mjs';

const file = process.argv[2] ?? new URL('../../vectors/vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8'));
const masterKeys = Object.fromEntries(Object.entries(vectors.master_keys).map(([k, v]) => [k, fromHex(v)]));
const { rsa } = vectors;

let passed = 0;
const failures = [];

// What does not agree is named, never shown: most of it is keys.
async function check(name, body) {
  try {
    await body();
    passed += 1;
  } catch (e) {
    failures.push(`${name}: ${e.message}`);
  }
}
function same(actual, expected, what) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`${what} is another one`);
}
async function reasonOf(promise) {
  try {
    await promise;
  } catch (e) {
    return e.reason ?? e.message;
  }
  return 'opened';
}
async function refused(body, what) {
  if ((await reasonOf((async () => body())())) === 'opened') throw new Error(`${what} is accepted`);
}

// -- derivation v1 ------------------------------------------------------------------------------------------------

for (const c of vectors.hkdf_v1) {
  await check(`hkdf_v1 ${c.name}`, async () => {
    // The thousand ids stand in the file once.
    const recordIds = Array.isArray(c.derivation.recordIds) ? c.derivation.recordIds : vectors.ids1000;
    const derivation = { ...c.derivation, recordIds };
    const info = infoV1(derivation);
    same(info.length, c.info_bytes, 'the length of info');
    same(toHex(await sha256(info)), c.info_sha256, 'info');
    same(toHex(utf8(derivation.missionId)), c.salt_hex, 'the salt');
    same(toHex(await deriveMissionKeyV1(masterKeys[c.master_key], derivation)), c.mdk_hex, 'the key');
  });
}

for (const c of vectors.grants.cases) {
  await check(`grants ${c.name}`, async () => {
    const context = { privateKeyPem: rsa.private_key_pkcs8_pem, now: vectors.grants.now };
    const { skip, missionKey } = await unwrapGrant(c.grant, context);
    same(skip ?? 'ok', c.expected, 'the outcome');
    if (!skip) same(toHex(missionKey), c.mdk_hex, 'the key');
  });
}

for (const c of vectors.enc1.ok) {
  await check(`enc1 ok ${c.name}`, async () => {
    const key = fromHex(vectors.enc1.keys[c.key]);
    const value = await openEnc1(key, c.blob);
    if ('value' in c) same(value, c.value, 'the value');
    same(createHash('sha256').update(JSON.stringify(value)).digest('hex'), c.plaintext_sha256, 'the plaintext');
    same(await openEnc1(key, await sealEnc1(key, value)), value, 'what was sealed and opened');
  });
}
for (const c of vectors.enc1.fail) {
  await check(`enc1 fail ${c.name}`, async () =>
    same(await reasonOf(openEnc1(fromHex(vectors.enc1.keys[c.key]), c.blob)), c.reason, 'the reason'));
}
for (const [n, c] of vectors.enc1.passthrough.entries()) {
  await check(`enc1 passthrough ${n}`, async () => same(isEnc1(c.value), c.is_encrypted, 'whether it is encrypted'));
}

// -- derivation v2 ------------------------------------------------------------------------------------------------

for (const c of vectors.v2.grants) {
  const masterKey = masterKeys[c.master_key];
  await check(`v2 grant ${c.name}`, async () => {
    const { derivation, issuedAt, expiresAt } = c.grant;
    const canonical = canonicalGrant(c.userId, derivation, issuedAt, expiresAt);
    same(toHex(canonical), c.canonical_hex, 'the canonical form');
    same(toHex(await sha256(canonical)), c.canonical_sha256, 'its hash');
    const missionKey = await deriveMissionKeyV2(masterKey, derivation.missionId, canonical);
    same(toHex(missionKey), c.mdk_hex, 'the mission key');
    for (const [name, key] of Object.entries(c.record_key_hex)) {
      same(toHex(await deriveRecordKey(masterKey, ...splitRecordName(name))), key, 'a record key');
      same(toHex(await openRecordKeyOf(c.grant, missionKey, name)), key, 'a record key in the grant');
    }
    await checkGrant(c.grant, {
      userId: c.userId, masterKey, asked: derivation,
      publicKeyPem: rsa.public_key_spki_pem, privateKeyPem: rsa.private_key_pkcs8_pem,
    });
  });
  await check(`v2 grant ${c.name} issued anew`, async () => {
    const publicKey = await importPublicKey(rsa.public_key_spki_pem);
    same(publicKey.keyId, rsa.key_id, 'the key id');
    const asked = c.grant.derivation;
    const grant = await issueGrant({ userId: c.userId, masterKey, asked }, publicKey);
    const expected = {
      userId: c.userId, masterKey, asked,
      publicKeyPem: rsa.public_key_spki_pem, privateKeyPem: rsa.private_key_pkcs8_pem,
    };
    await checkGrant(grant, expected);
    await refused(() => checkGrant(grant, { ...expected, userId: `${c.userId}x` }), 'a grant of another user');
  });
}
for (const c of vectors.v2.grants_rejected) {
  await check(`v2 rejected ${c.name}`, async () => {
    const context = { privateKeyPem: rsa.private_key_pkcs8_pem, userId: c.userId, now: c.grant.issuedAt };
    same((await unwrapGrant(c.grant, context)).skip, c.expected, 'the outcome');
  });
}
for (const c of vectors.v2.enc2) {
  await check(`enc2 ${c.table}.${c.field}`, async () => {
    const key = await deriveRecordKey(masterKeys[c.master_key], c.table, c.recordId);
    same(isEnc2(c.blob), true, 'its prefix');
    same(await openEnc2(key, c.table, c.recordId, c.field, c.blob), c.value, 'the value');
    const again = await sealEnc2(key, c.table, c.recordId, c.field, c.value);
    same(await openEnc2(key, c.table, c.recordId, c.field, again), c.value, 'what was sealed and opened');
  });
}
for (const c of vectors.v2.enc2_fail) {
  await check(`enc2 fail ${c.name}`, async () => {
    const key = await deriveRecordKey(masterKeys[c.master_key], c.table, c.recordId);
    same(await reasonOf(openEnc2(key, c.table, c.recordId, c.field, c.blob)), c.reason, 'the reason');
  });
}
await check('key id', async () => same(await keyIdOf(fromPem(rsa.public_key_spki_pem)), rsa.key_id, 'it'));

// -- vault --------------------------------------------------------------------------------------------------------

for (const [n, c] of vectors.vault.kek_wrap.entries()) {
  await check(`vault kek wrap ${n}`, async () => {
    const kek = fromBase64(c.kek_b64);
    const masterKey = masterKeys[c.master_key];
    same(toHex(await unwrapMasterKey(kek, c.wrap_iv, c.wrapped_mk)), toHex(masterKey), 'the master key');
    const again = await wrapMasterKey(kek, masterKey);
    same(again.wrappedMk.length, c.wrapped_mk.length, 'the length of the wrap');
    same(toHex(await unwrapMasterKey(kek, again.wrapIv, again.wrappedMk)), toHex(masterKey), 'what was wrapped');
  });
}
{
  const c = vectors.vault.recovery;
  const secret = fromHex(c.secret_hex);
  const masterKey = masterKeys[c.master_key];
  await check('vault recovery', async () => {
    same(formatRecoveryCode(secret), c.formatted_code, 'the code');
    same(c.formatted_code.length, c.formatted_length, 'its length');
    same(toHex(await deriveRecoveryKey(secret)), c.wrap_key_hex, 'the wrapping key');
    same(toHex(await recoverMasterKey(c.formatted_code, c)), toHex(masterKey), 'the master key');
    const again = await recoveryWrap(secret, masterKey);
    same(toHex(await recoverMasterKey(c.formatted_code, again)), toHex(masterKey), 'what was wrapped');
  });
  for (const [n, code] of c.accepted_variants.entries()) {
    await check(`vault recovery accepted ${n}`, async () => same(toHex(parseRecoveryCode(code)), c.secret_hex, 'it'));
  }
  for (const { code, why } of c.rejected_variants) {
    await check(`vault recovery rejected: ${why}`, () => refused(() => parseRecoveryCode(code), 'it'));
  }
}

// -- tokens -------------------------------------------------------------------------------------------------------

const { jwt } = vectors;
const expectations = { jwks: jwt.jwks, issuer: jwt.issuer, audience: jwt.audience, atUnix: jwt.evaluate_at_unix };
for (const c of jwt.tokens) {
  await check(`jwt ${c.name}`, () => {
    if (c.valid) verifyToken(c.token, expectations);
    else return refused(() => verifyToken(c.token, expectations), 'it');
  });
}
await check('jwt of our own', () => {
  const [key] = jwt.jwks.keys;
  const claims = { iss: jwt.issuer, aud: jwt.audience, sub: 'anna', exp: jwt.evaluate_at_unix + 60 };
  const token = signToken({ alg: 'EdDSA', kid: key.kid }, claims, jwt.private_key_pem_pkcs8);
  same(verifyToken(token, expectations).sub, 'anna', 'the subject');
});

// -- audit chain: no vectors of others exist for it ---------------------------------------------------------------

function chainOf(userId, count) {
  let previousHash = '00'.repeat(32);
  return Array.from({ length: count }, (_, n) => {
    const row = {
      id: String(n + 1), position: n + 1, ts: '2026-04-16T12:00:00.000Z', missionId: 'm', iterationId: n ? 'i' : null,
      tableName: 'notes', recordId: `n${n}`, status: 'ok', reason: null, previousHash,
    };
    row.hash = createHash('sha256').update(canonicalRow(userId, row)).digest('hex');
    previousHash = row.hash;
    return row;
  });
}
await check('audit chain', () => {
  const rows = chainOf('anna', 5);
  same(verifyChain('anna', rows).ok, true, 'a good chain');
  same(verifyChain('anna', [...rows].reverse()).head, { position: 5, hash: rows[4].hash }, 'its head');
  same(verifyChain('ben', rows).firstBad?.position, 1, "another user's chain");
  same(verifyChain('anna', rows.filter((row) => row.position !== 3)).firstBad?.position, 4, 'a chain with a gap');
  const anchor = { position: 2, hash: rows[1].hash };
  same(verifyChain('anna', rows.slice(2), anchor).ok, true, 'a chain from its anchor on');
  same(verifyChain('anna', rows.slice(3), anchor).firstBad?.position, 4, 'a chain with a gap behind its anchor');
  same(verifyChain('anna', rows.slice(2), { ...anchor, hash: rows[0].hash }).firstBad?.position, 3, 'a moved anchor');
  const edited = rows.map((row) => (row.position === 2 ? { ...row, status: 'failed' } : row));
  same(verifyChain('anna', edited).firstBad?.position, 2, 'an edited row');
  const emptied = rows.map((row) => (row.position === 2 ? { ...row, reason: '' } : row));
  same(verifyChain('anna', emptied).firstBad?.position, 2, 'an empty text for none');
});
await check('audit head', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const statement = { userId: 'anna', position: 5, hash: 'ab'.repeat(32), at: '2026-04-16T12:00:00.000Z' };
  const signed = canonicalHead(statement);
  const head = {
    statement, canonical: toBase64(signed), signature: toBase64(sign(null, signed, privateKey)),
    keyId: await keyIdOf(spki), publicKey: toBase64(spki.subarray(-32)),
  };
  await verifyHead(head);
  await refused(() => verifyHead({ ...head, statement: { ...statement, position: 4 } }), 'another statement');
  await refused(() => verifyHead({ ...head, keyId: '00'.repeat(8) }), 'another key');
  const other = toBase64(sign(null, canonicalHead({ ...statement, position: 4 }), privateKey));
  await refused(() => verifyHead({ ...head, signature: other }), "another statement's signature");
});

for (const failure of failures) console.error(`FAIL ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length ? 1 : 0;
