#!/usr/bin/env node
// The browser app's part of grants and audit, for scripts: an implementation of its own, so that two programs that
// share no code have to agree byte for byte.
//
//   client.mjs <command> [option]...
//
//   register              stdin {name, password}: registers and signs in; prints the user id
//   sign-in               stdin {name, password}
//   refresh               a new access token by the cookie
//   offline               stdin {userId}: a session without a server, with a master key of its own
//   init-vault            makes the vault and keeps its master key in the session
//   fetch-key             the vault's master key into the session
//   recovery-wrap         prints {recoveryWrappedMk, recoveryIv} for a code that nobody is told
//   rows [own-grants]     stdin: JSON lines {table, id, data}, {mission, data, grant: {recordIds, ttlMs?}}, or
//                         {app, table, id, data} of a plaintext record;
//                         prints the rows for the log, {app, table, id, data}: fields sealed, grants in their missions
//   grant [own|v1]        stdin {missionId, recordIds, tables?, ttlMs?}: prints the grant, checked
//   seal                  stdin {table, id, field, value, version?}: prints the sealed value
//   key-patterns          stdin: rows of missions as `rows` prints them; prints their keys in hex, for memory_scan.py
//   audit [mission-id]    prints all rows, newest first, one JSON per line
//   verify-audit [limit]  reads all rows in pages of that size, recomputes the chain and compares it with what the
//                         service says; prints {rows, head, signed}
//   verify-rows           stdin: the user's rows as the API shows them; prints {rows, head}
//   token                 stdin {header, claims}: prints a token signed by MANA_TOKEN_KEY_FILE
//   verify-token          stdin {issuer, audience}: checks the session's token against the service's JWKS
//
// MANA_SESSION names the session's file, MANA_AUTH_URL and MANA_RUNNER_URL the services, MANA_PUBLIC_KEY_FILE and
// MANA_PRIVATE_KEY_FILE the runner's RSA keys in PEM. Secrets go through files, stdin and stdout only.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as api from './api.mjs';
import { verifyChain, verifyHead } from './audit.mjs';
import { randomBytes, toHex } from './bytes.mjs';
import { sealEnc1, sealEnc2 } from './envelope.mjs';
import { checkGrant, importPublicKey, issueGrant, issueGrantV1, splitRecordName } from './grant.mjs';
import { canonicalGrant, deriveMissionKeyV2, deriveRecordKey } from './keys.mjs';
import { encryptedTables, sealRecord } from './records.mjs';
import { Session } from './session.mjs';
import { signToken, verifyToken } from './token.mjs';
import { recoveryWrap } from './vault.mjs';

// -- input and output ---------------------------------------------------------------------------------------------

const { env } = process;
const needed = (name) => env[name] || fail(`${name} is not set`);
function fail(text) {
  throw new Error(text);
}

const readJson = () => JSON.parse(readFileSync(0, 'utf8'));
const print = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
const keyFile = (name) => (env[name] ? readFileSync(env[name], 'utf8') : undefined);

async function* jsonLines() {
  for await (const line of createInterface({ input: process.stdin })) if (line) yield JSON.parse(line);
}

const session = () => Session.load(needed('MANA_SESSION'));
const authOf = (s) => new api.Api(needed('MANA_AUTH_URL'), s);
const runnerOf = (s) => new api.Api(needed('MANA_RUNNER_URL'), s);

// -- grants -------------------------------------------------------------------------------------------------------

const tablesOf = (recordIds) => [...new Set(recordIds.map((name) => splitRecordName(name)[0]))];
const scopeOf = ({ missionId, recordIds, tables = tablesOf(recordIds) }) => ({ missionId, tables, recordIds });

async function granter(s, how) {
  const { userId, masterKey } = s;
  const publicKeyPem = keyFile('MANA_PUBLIC_KEY_FILE');
  if (how === 'server') {
    const privateKeyPem = keyFile('MANA_PRIVATE_KEY_FILE');
    return async (wish) => {
      const asked = scopeOf(wish);
      const grant = await api.requestGrant(authOf(s), { ...asked, ...(wish.ttlMs && { ttlMs: wish.ttlMs }) });
      await checkGrant(grant, { userId, masterKey, asked, publicKeyPem, privateKeyPem });
      return grant;
    };
  }
  const publicKey = await importPublicKey(publicKeyPem ?? fail('MANA_PUBLIC_KEY_FILE is not set'));
  const issue = how === 'v1' ? issueGrantV1 : issueGrant;
  return (wish) => issue({ userId, masterKey, asked: scopeOf(wish), ttlMs: wish.ttlMs }, publicKey);
}

// -- rows of the log ----------------------------------------------------------------------------------------------

async function rowOf(entry, masterKey, grantFor) {
  if (entry.app) return entry; // a plaintext record, as it stands
  if (entry.mission === undefined) {
    const { table, id, data } = entry;
    return { app: encryptedTables[table].app, table, id, data: await sealRecord(masterKey, table, id, data) };
  }
  const data = { ...entry.data };
  if (entry.grant) data.grant = await grantFor({ missionId: entry.mission, ...entry.grant });
  return { app: 'ai', table: 'aiMissions', id: entry.mission, data };
}

// In order, a few at a time: thousands of requests at once would be another test.
async function printRows(s, how) {
  const [{ masterKey }, grantFor] = [s, await granter(s, how)];
  let batch = [];
  const flush = async () => {
    for (const row of await Promise.all(batch)) print(row);
    batch = [];
  };
  for await (const entry of jsonLines()) {
    batch.push(rowOf(entry, masterKey, grantFor));
    if (batch.length === 16) await flush();
  }
  await flush();
}

// -- what must not be in memory -----------------------------------------------------------------------------------

async function printKeyPatterns(s) {
  const { userId, masterKey } = s;
  for await (const { id, data } of jsonLines()) {
    const { derivation, issuedAt, expiresAt } = data.grant;
    const canonical = canonicalGrant(userId, derivation, issuedAt, expiresAt);
    print(`key mission-key:${id} ${toHex(await deriveMissionKeyV2(masterKey, id, canonical))}`);
    for (const name of derivation.recordIds) {
      const key = await deriveRecordKey(masterKey, ...splitRecordName(name));
      print(`key record-key:${name} ${toHex(key)}`);
    }
  }
}

// -- audit --------------------------------------------------------------------------------------------------------

function goodChain(userId, rows, anchor) {
  const verdict = verifyChain(userId, rows, anchor);
  const bad = verdict.firstBad;
  return bad ? fail(`row ${bad.position} (id ${bad.id}): ${bad.problem}`) : verdict;
}

async function verifyAudit(s, limit) {
  const runner = runnerOf(s);
  const theirs = await api.auditVerdict(runner);
  const ours = goodChain(s.userId, await api.auditRows(runner, { limit }), theirs.anchor);
  const seen = (v) => JSON.stringify([v.ok, Number(v.rows), Number(v.head.position), v.head.hash]);
  if (seen(ours) !== seen(theirs)) fail(`the service says ${seen(theirs)}, the rows say ${seen(ours)}`);
  const signed = await checkedHead(runner, s.userId, ours.head);
  return { rows: ours.rows, head: ours.head, signed };
}

async function checkedHead(runner, userId, { position, hash }) {
  let head;
  try {
    head = await api.auditHead(runner);
  } catch (e) {
    if (e.status === 503) return false; // no key to sign with is configured
    throw e;
  }
  await verifyHead(head);
  const { statement } = head;
  if (statement.userId !== userId || Number(statement.position) !== position || statement.hash !== hash) {
    fail('the signed head is not the head of the rows');
  }
  return true;
}

// -- commands -----------------------------------------------------------------------------------------------------

async function withCredentials(first) {
  const s = new Session(needed('MANA_SESSION'));
  const credentials = readJson();
  if (first) await first(authOf(s), credentials);
  await api.signIn(authOf(s), credentials);
  s.save();
  print(s.userId);
}

async function updated(change) {
  const s = session();
  await change(s);
  s.save();
}

const commands = {
  register: () => withCredentials(api.register),
  'sign-in': () => withCredentials(),
  refresh: () => updated((s) => api.refresh(authOf(s))),
  offline: () => {
    const s = new Session(needed('MANA_SESSION'), { userId: readJson().userId });
    s.masterKey = randomBytes(32);
    s.save();
  },
  'init-vault': () => updated(async (s) => { s.state.masterKey = await api.initVault(authOf(s)); }),
  'fetch-key': () => updated(async (s) => { s.state.masterKey = await api.fetchMasterKey(authOf(s)); }),
  'recovery-wrap': async () => print(await recoveryWrap(randomBytes(32), session().masterKey)),
  rows: (how) => printRows(session(), how === 'own-grants' ? 'own' : 'server'),
  grant: async (how = 'server') => print(await (await granter(session(), how))(readJson())),
  seal: async () => {
    const { table, id, field, value, version = 2 } = readJson();
    const { masterKey } = session();
    if (version === 1) return print(await sealEnc1(masterKey, value));
    return print(await sealEnc2(await deriveRecordKey(masterKey, table, id), table, id, field, value));
  },
  'key-patterns': () => printKeyPatterns(session()),
  audit: async (missionId) => {
    for (const row of await api.auditRows(runnerOf(session()), { missionId })) print(row);
  },
  'verify-audit': async (limit = 1000) => print(await verifyAudit(session(), Number(limit))),
  'verify-rows': async () => {
    const rows = [];
    for await (const row of jsonLines()) rows.push(row);
    const { rows: count, head } = goodChain(session().userId, rows);
    print({ rows: count, head });
  },
  token: () => {
    const { header, claims } = readJson();
    print(signToken(header, claims, keyFile('MANA_TOKEN_KEY_FILE')));
  },
  'verify-token': async () => {
    const s = session();
    const jwks = await authOf(s).get('/api/v1/auth/jwks');
    const claims = verifyToken(s.state.accessToken, { jwks, ...readJson(), atUnix: Date.now() / 1000 });
    if (claims.sub !== s.userId) fail('the token is not of this user');
  },
};

const [name, ...options] = process.argv.slice(2);
try {
  await (commands[name] ?? (() => fail(`no such command: ${name}`)))(...options);
} catch (e) {
  console.error(`client.mjs ${name}: ${e.message}`);
  process.exitCode = 1;
}
