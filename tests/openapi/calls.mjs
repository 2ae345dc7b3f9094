// The calls: every operation in its success and its main errors. What there is to see comes from tests/e2e/openapi.sh.
import { bearer, call, complain, document, documentText, json, parsed, serviceKey } from './client.mjs';
import { exchange } from './http.mjs';

const { env } = process;

// -- what every operation answers ---------------------------------------------------------------------------------

export const examplePath = (operation) =>
  operation.path.replace(/\{\w+\}/g, (variable) => `an-${variable.slice(1, -1)}`);

async function refusals(operation) {
  const { operationId: id } = operation;
  const path = examplePath(operation);
  const scheme = Object.keys(operation.security[0] ?? {})[0];
  const generic = { generic: true };
  await call(id, `${path}?a=%zz`, { ...generic, status: 400, code: 'BAD_REQUEST' });
  await call(id, path, { ...generic, status: 431, code: 'LIMIT_EXCEEDED', headers: { 'X-Long': 'x'.repeat(20_000) } });
  await call(id, path, {
    ...generic,
    status: 413,
    code: 'LIMIT_EXCEEDED',
    headers: { 'Content-Length': 20 * 1024 * 1024 },
  });
  if (scheme === 'bearer') {
    await call(id, path, { ...generic, status: 401, code: 'UNAUTHORIZED' });
    await call(id, path, { ...generic, status: 401, code: 'UNAUTHORIZED', headers: bearer('a.b.c') });
  }
  if (scheme === 'serviceKey') {
    await call(id, path, { ...generic, status: 401, code: 'UNAUTHORIZED' });
    await call(id, path, {
      ...generic,
      status: 401,
      code: 'UNAUTHORIZED',
      headers: { 'X-Service-Key': 'not-the-service-key' },
    });
  }
}

// HEAD, OPTIONS and methods that a path does not have, as the document's introduction says.
async function methodsOf(path) {
  const own = document.operations.filter((o) => o.path === path).map((o) => o.method);
  const options = await exchange(env.MANA_APP_URL, 'OPTIONS', path);
  const allowed = (options.headers.allow ?? '').split(', ').sort().join();
  const wanted = [...own, 'OPTIONS', ...(own.includes('GET') ? ['HEAD'] : [])].sort().join();
  if (options.status !== 204 || allowed !== wanted)
    complain(`OPTIONS ${path}: ${options.status}, Allow ${allowed} instead of ${wanted}`);
  const other = await exchange(env.MANA_APP_URL, 'PATCH', path);
  if (other.status !== 405 || document.errors('/components/schemas/Error', parsed(other.text)))
    complain(`PATCH ${path}: ${other.status} ${other.text}`);
}

// -- the operations -----------------------------------------------------------------------------------------------

const vault = '/api/v1/me/encryption-vault';
export const chat = {
  messages: [
    { role: 'system', content: 'Du planst.' },
    { role: 'user', content: 'Was nun?' },
  ],
  temperature: 0,
  max_tokens: 200,
};
const runOf = (mission) => `/api/v1/me/missions/${mission}/foreground-run`;
export const noRun = '00000000-0000-4000-8000-000000000000';
export const wish = { missionId: 'mission-1', tables: ['notes'], recordIds: ['notes:note-1'], ttlMs: 3_600_000 };

async function probes() {
  const health = await call('getHealth', '/health', { status: 200 });
  if (health.json.service !== 'mana-ai' || !health.json.tick) complain('GET /health says nothing of the runner');
  await call('getHealth', '/health', { status: 200, base: env.MANA_STANDIN_LIMITED_URL });
  await call('getReadiness', '/ready', { status: 200 });
  await call('getMetrics', '/metrics', { status: 200 });
  for (const base of [env.MANA_APP_URL, env.MANA_BARE_URL, env.MANA_STANDIN_LIMITED_URL]) {
    const { text } = await call('getOpenApi', '/openapi.json', { status: 200, base });
    if (text !== documentText) complain(`${base}/openapi.json is not the document`);
  }
}

async function operator(anna) {
  const as = { headers: serviceKey };
  await call('runTick', '/internal/tick', { ...as, status: 200 });
  const list = await call('listQuarantined', '/internal/quarantine', { ...as, status: 200 });
  if (list.json.missions.length !== 1) complain('no mission in quarantine');
  const missions = await call('listMissions', `/internal/missions/${anna}`, { ...as, status: 200 });
  if (missions.json.missions.length < 3) complain('missions of the user are missing');
  await call('listMissions', '/internal/missions/nobody', { ...as, status: 200 });
  const release = (value, more) =>
    call('releaseMission', '/internal/quarantine/release', { ...json(value), ...more, headers: serviceKey });
  const released = await release({ userId: anna, missionId: 'poisoned' }, { status: 200 });
  if (!released.json.wasQuarantined) complain('the mission was not in quarantine');
  await release({ userId: anna, missionId: 'none' }, { status: 404, code: 'NOT_FOUND' });
  for (const value of [
    { userId: anna },
    { userId: anna, missionId: '' },
    { userId: anna, missionId: 7 },
    [],
    { userId: anna, missionId: 'm', more: 1 },
  ]) {
    await release(value, { status: 400, code: 'BAD_REQUEST' });
  }
  await release({ userId: 'x'.repeat(5000), missionId: 'm' }, { status: 413, code: 'LIMIT_EXCEEDED' });
}

async function audit(as) {
  const path = '/api/v1/me/ai-audit';
  const all = await call('listAudit', path, { ...as, status: 200 });
  if (all.json.rows.length < 2) complain('the audit has less than two rows');
  const page = await call('listAudit', `${path}?limit=1&missionId=granted`, { ...as, status: 200 });
  if (!page.json.nextCursor) complain('the audit has no second page');
  await call('listAudit', `${path}?limit=1&cursor=${page.json.nextCursor}`, { ...as, status: 200 });
  await call('listAudit', `${path}?limit=many`, { ...as, status: 400, code: 'BAD_REQUEST' });
  await call('listAudit', `${path}?cursor=bm9uZQ`, { ...as, status: 400, code: 'BAD_REQUEST', beyondSchema: true });
  await call('listAudit', `${path}?missionId=${'m'.repeat(600)}`, { ...as, status: 400, code: 'BAD_REQUEST' });
  const verdict = await call('verifyAudit', `${path}/verify`, { ...as, status: 200 });
  if (!verdict.json.ok) complain('the chain does not verify');
  await call('getAuditHead', `${path}/head`, { ...as, status: 200 });
  await call('getAuditHead', `${path}/head`, {
    ...as,
    status: 503,
    code: 'SIGNING_NOT_CONFIGURED',
    base: env.MANA_BARE_URL,
  });
}

async function missions(as) {
  const begin = (mission, more) => call('beginForegroundRun', runOf(mission), { ...as, ...more });
  const renew = (mission, value, more) =>
    call('renewForegroundRun', runOf(mission), { ...json(value), ...as, ...more });
  const end = (mission, query, more) => call('endForegroundRun', runOf(mission) + query, { ...as, ...more });
  const lease = (await begin('tabbed', { status: 200 })).json;
  await begin('tabbed', { status: 409, code: 'MISSION_RUNNING' });
  const list = await call('listMyMissions', '/api/v1/me/missions', { ...as, status: 200 });
  if (!list.json.missions.some((m) => m.leasedBy === 'browser')) complain('no mission is leased by a tab');
  await begin('granted', { status: 409 });
  await begin('later', { status: 409, code: 'NOT_DUE' });
  await begin('paused', { status: 409, code: 'MISSION_HELD' });
  await begin('unknown', { status: 404, code: 'MISSION_UNKNOWN' });
  await renew('tabbed', { leaseToken: lease.leaseToken }, { status: 200 });
  await renew('tabbed', { leaseToken: noRun }, { status: 409, code: 'LEASE_LOST' });
  for (const value of [{}, { leaseToken: 'x' }, { leaseToken: 7 }, { leaseToken: noRun, more: 1 }, []])
    await renew('tabbed', value, { status: 400, code: 'BAD_REQUEST' });
  await renew('m'.repeat(600), { leaseToken: noRun }, { status: 404, code: 'MISSION_UNKNOWN' });
  await renew('tabbed', { leaseToken: 'x'.repeat(5000) }, { status: 413, code: 'LIMIT_EXCEEDED' });
  await end('tabbed', '', { status: 400, code: 'BAD_REQUEST' });
  await end('tabbed', '?leaseToken=x', { status: 400, code: 'BAD_REQUEST' });
  await end('m'.repeat(600), `?leaseToken=${noRun}`, { status: 404, code: 'MISSION_UNKNOWN' });
  await end('tabbed', `?leaseToken=${noRun}`, { status: 204 });
  await end('tabbed', `?leaseToken=${lease.leaseToken}`, { status: 204 });
}

async function languageModel(as) {
  const complete = (value, more) =>
    call('completeChat', '/api/v1/me/llm/chat/completions', { ...json(value), ...as, ...more });
  await call('getLlm', '/api/v1/me/llm', { ...as, status: 200 });
  const answer = await complete(chat, { status: 200 });
  if (!answer.json?.usage) complain('the stand-in tells no usage');
  const [message] = chat.messages;
  for (const value of [
    {},
    { messages: [] },
    { messages: [{ role: 'user' }] },
    { messages: [{ ...message, role: 'tool' }] },
    { messages: [{ ...message, content: '' }] },
    { ...chat, temperature: 3 },
    { ...chat, max_tokens: 0.5 },
    { ...chat, model: 'another' },
    { messages: Array(65).fill(message) },
  ]) {
    await complete(value, { status: 400, code: 'BAD_REQUEST' });
  }
  await complete(
    { messages: [{ role: 'user', content: 'x'.repeat(300 * 1024) }] },
    { status: 413, code: 'LIMIT_EXCEEDED' },
  );
  await complete(chat, { status: 502, code: 'LLM_FAILED', base: env.MANA_BARE_URL });
  await complete(chat, { status: 429, code: 'RATE_LIMITED', base: env.MANA_BARE_URL });
}

async function keyVault(as) {
  const post = (id, path, value, more) => call(id, vault + path, { ...json(value), ...as, ...more });
  const plain = (id, path, more) => call(id, vault + path, { ...as, ...more });
  const zeroKnowledge = (value, more) => post('setZeroKnowledge', '/zero-knowledge', value, more);
  const wrap = JSON.parse(env.MANA_RECOVERY_WRAP);
  const grant = (value, more) => call('issueGrant', '/api/v1/me/ai-mission-grant', { ...json(value), ...as, ...more });
  const none = { status: 404, code: 'VAULT_NOT_INITIALISED' };
  const sealed = { status: 409, code: 'ZK_ACTIVE' };

  await plain('getVaultStatus', '/status', { status: 200 });
  await plain('getVaultKey', '/key', none);
  await plain('rotateVault', '/rotate', none);
  await post('setRecoveryWrap', '/recovery-wrap', wrap, none);
  await plain('removeRecoveryWrap', '/recovery-wrap', none);
  await zeroKnowledge({ enable: true }, none);
  await grant(wish, none);
  await plain('initVault', '/init', { status: 201 });
  await plain('initVault', '/init', { status: 409, code: 'VAULT_EXISTS' });
  await plain('getVaultStatus', '/status', { status: 200 });
  await plain('getVaultKey', '/key', { status: 200 });
  const { masterKey } = (await plain('rotateVault', '/rotate', { status: 200 })).json;

  await grant(wish, { status: 200 });
  for (const value of [
    { ...wish, missionId: '' },
    { ...wish, missionId: 7 },
    { ...wish, tables: [] },
    { ...wish, tables: ['1'] },
    { ...wish, recordIds: ['notes'] },
    { ...wish, ttlMs: 'long' },
    [],
  ]) {
    await grant(value, { status: 400, code: 'BAD_REQUEST' });
  }
  await grant({ ...wish, recordIds: ['tasks:task-1'] }, { status: 400, code: 'BAD_REQUEST', beyondSchema: true });
  await grant(wish, { status: 503, code: 'GRANT_NOT_CONFIGURED', base: env.MANA_BARE_URL });
  await grant(wish, { status: 200 });
  await grant(wish, { status: 429, code: 'RATE_LIMITED' });

  await zeroKnowledge({ enable: true }, { status: 409, code: 'RECOVERY_WRAP_MISSING' });
  await post('setRecoveryWrap', '/recovery-wrap', { recoveryWrappedMk: 7 }, { status: 400, code: 'BAD_REQUEST' });
  await post(
    'setRecoveryWrap',
    '/recovery-wrap',
    { ...wrap, recoveryIv: 'AAAA' },
    { status: 400, code: 'BAD_REQUEST', beyondSchema: true },
  );
  await post('setRecoveryWrap', '/recovery-wrap', wrap, { status: 204 });
  await zeroKnowledge({ enable: 'yes' }, { status: 400, code: 'BAD_REQUEST' });
  await zeroKnowledge({ enable: true }, { status: 204 });
  await plain('getVaultStatus', '/status', { status: 200 });
  const key = await plain('getVaultKey', '/key', { status: 200 });
  if (!key.json.requiresRecoveryCode) complain('the vault gives its key in zero-knowledge mode');
  await plain('rotateVault', '/rotate', sealed);
  await plain('removeRecoveryWrap', '/recovery-wrap', sealed);
  await grant(wish, sealed);
  await zeroKnowledge({ enable: false }, { status: 400, code: 'BAD_REQUEST' });
  await zeroKnowledge({ enable: false, masterKey }, { status: 204 });
  await plain('removeRecoveryWrap', '/recovery-wrap', { status: 204 });
}

async function signIn() {
  const path = (name) => `/api/v1/auth/${name}`;
  const post = (id, name, value, more) => call(id, path(name), { ...json(value), ...more });
  const berta = { name: 'berta', password: 'Ein langes Passwort' };
  const evil = {
    headers: { Origin: 'https://evil.example' },
    status: 403,
    code: 'FORBIDDEN',
  };
  await call('getJwks', path('jwks'), { status: 200 });
  await post('register', 'register', berta, { status: 201 });
  await post('register', 'register', berta, { status: 409, code: 'NAME_TAKEN' });
  for (const [id, name] of [
    ['register', 'register'],
    ['logIn', 'login'],
  ]) {
    for (const value of [
      { name: 'berta' },
      { ...berta, name: '' },
      { ...berta, password: 7 },
      { ...berta, more: 1 },
      [],
    ]) {
      await post(id, name, value, { status: 400, code: 'BAD_REQUEST' });
    }
    await post(id, name, { ...berta, password: 'short' }, { status: 400, code: 'BAD_REQUEST', beyondSchema: true });
    await post(id, name, { ...berta, password: 'x'.repeat(5000) }, { status: 413, code: 'LIMIT_EXCEEDED' });
    await post(id, name, berta, evil);
  }
  await post('logIn', 'login', { ...berta, password: 'Ein anderes Passwort' }, { status: 401, code: 'UNAUTHORIZED' });
  const session = await post('logIn', 'login', berta, { status: 200 });
  const cookie = (answer) => ({ Cookie: answer.headers['set-cookie'].split(';')[0] });
  const next = await call('refreshSession', path('refresh'), { headers: cookie(session), status: 200 });
  await call('refreshSession', path('refresh'), { status: 401, code: 'UNAUTHORIZED' });
  await call('refreshSession', path('refresh'), {
    ...evil,
    headers: { ...cookie(next), Origin: 'https://evil.example' },
  });
  await call('logOut', path('logout'), {
    headers: { ...cookie(next), Origin: 'https://evil.example' },
    status: 403,
    code: 'FORBIDDEN',
  });
  await call('logOut', path('logout'), { headers: cookie(next), status: 204 });
  await call('logOut', path('logout'), { status: 204 });
  await call('refreshSession', path('refresh'), { headers: cookie(next), status: 401, code: 'UNAUTHORIZED' });
  return session.json;
}

// At the end: the address is locked out for a while.
async function tooManySignIns() {
  for (let i = 0; i < 200; i++) {
    const answer = await call('logIn', '/api/v1/auth/login', {
      ...json({ name: `nobody-${i % 2}`, password: 'Ein falsches Passwort' }),
    });
    if (answer.status === 429)
      return call('register', '/api/v1/auth/register', json({ name: 'clara', password: 'Ein langes Passwort' }));
    if (answer.status !== 401) return complain(`a wrong password: ${answer.status}`);
  }
  return complain('no limit on wrong passwords');
}

async function sync(as) {
  const at = '2026-03-01T07:00:00.000Z';
  const push = (value, more) => call('pushChanges', '/sync/todo', { ...json(value), ...as, ...more });
  const pull = (query, more) => call('pullChanges', `/sync/todo/pull${query}`, { ...as, ...more });
  const head = { clientId: 'laptop', since: '' };
  const insert = {
    table: 'tasks',
    id: 'task-1',
    op: 'insert',
    data: { id: 'task-1', title: 'Laufen', createdAt: at, updatedAt: at },
  };
  const update = {
    table: 'tasks',
    id: 'task-1',
    op: 'update',
    fields: { 'done.at': { value: null, updatedAt: at } },
    eventId: noRun,
  };
  const changes = [
    insert,
    update,
    { table: 'tasks', id: 'task-1', op: 'delete', deletedAt: at },
    { table: 'tasks', id: 'task-2', op: 'delete' },
    {
      ...insert,
      id: 'task-3',
      data: { title: 'Lesen' },
      actor: { kind: 'ai', missionId: 'm', iterationId: 'i', rationale: 'because' },
    },
  ];
  await push({ ...head, changes }, { status: 200 });
  const page = await push({ ...head, changes: [update], schemaVersion: 2 }, { status: 200 });
  if (page.json.serverChanges.length !== 5)
    complain(`a repeated event was applied again, or a change is missing: ${page.json.serverChanges.length}`);
  for (const value of [
    { changes },
    { ...head, changes: {} },
    { ...head, clientId: 'mana-ai-runner', changes },
    { ...head, schemaVersion: 0, changes },
    ...[
      { ...insert, table: 'a b' },
      { ...insert, op: 'upsert' },
      { ...insert, data: undefined },
      { ...update, fields: {} },
      { ...update, fields: { a: { value: 1, updatedAt: 'now' } } },
      { ...update, eventId: 'x' },
      { ...insert, actor: { kind: 'system' } },
    ].map((change) => ({ ...head, changes: [change] })),
  ]) {
    await push(value, { status: 400, code: 'BAD_REQUEST' });
  }
  await push({ ...head, since: 'x', changes }, { status: 400, code: 'BAD_REQUEST', beyondSchema: true });
  await push({ ...head, changes: Array(1001).fill(insert) }, { status: 413, code: 'LIMIT_EXCEEDED' });
  await call('pushChanges', '/sync/a%20b', { ...json({ ...head, changes }), ...as, status: 400, code: 'BAD_REQUEST' });

  const first = await pull('?limit=2&collection=tasks', { status: 200 });
  if (!first.json.hasMore) complain('a page of two is all there is');
  await pull(`?since=${encodeURIComponent(first.json.syncedUntil)}`, { status: 200 });
  await pull('?limit=all', { status: 400, code: 'BAD_REQUEST' });
  await pull('?since=x', { status: 400, code: 'BAD_REQUEST', beyondSchema: true });
  await pull('?collection=a%20b', { status: 400, code: 'BAD_REQUEST' });
  await call('pullChanges', `/sync/notes/pull?since=${encodeURIComponent(first.json.syncedUntil)}`, {
    ...as,
    status: 400,
    code: 'BAD_REQUEST',
    beyondSchema: true,
  });
}

async function socket() {
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Content-Length': null,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  await call('openSocket', '/ws', { status: 426, code: 'UPGRADE_REQUIRED' });
  await call('openSocket', '/ws', {
    headers: { ...handshake, Origin: 'https://evil.example' },
    status: 403,
    code: 'FORBIDDEN',
  });
  await call('openSocket', '/ws', { headers: handshake, status: 101 });
}

async function webApp() {
  for (const [id, path] of [
    ['getApp', '/'],
    ['getWebConfig', '/config.json'],
    ['getAsset', '/assets/app-1.js'],
    ['getAsset', '/assets/deep/app-2.js'],
    ['getFileOrPage', '/icon.svg'],
    ['getFileOrPage', '/missions'],
    ['getFileOrPage', '/missions/4711'],
  ]) {
    const { headers } = await call(id, path, { status: 200, headers: { 'Accept-Encoding': 'gzip' } });
    await call(id, path, { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': headers.etag }, status: 304 });
  }
  await call('getAsset', '/assets/gone.js', { status: 404, code: 'NOT_FOUND' });
  await call('getFileOrPage', '/gone.js', { status: 404, code: 'NOT_FOUND' });
}

async function standin() {
  const complete = (value, more) => call('completeAsStandin', '/v1/chat/completions', { ...json(value), ...more });
  const request = { ...chat, model: 'any' };
  await complete(request, { status: 200 });
  await complete({}, { status: 400, code: 'BAD_REQUEST' });
  await complete(
    { messages: [{ role: 'system', content: 'x' }] },
    { status: 400, code: 'BAD_REQUEST', beyondSchema: true },
  );
  await complete(request, { status: 429, code: 'RATE_LIMITED', base: env.MANA_STANDIN_LIMITED_URL });
  await complete(request, { status: 500, code: 'INTERNAL', base: env.MANA_STANDIN_FAILING_URL });
  await call('getStandinStats', '/standin/stats', { status: 200, base: env.MANA_STANDIN_LIMITED_URL });
  await call('getStandinStats', '/standin/stats', { status: 200 });
}

// -- all of them --------------------------------------------------------------------------------------------------

export async function calls(anna) {
  const as = { headers: bearer(anna.accessToken) };
  await probes();
  for (const operation of document.operations) await refusals(operation);
  for (const path of Object.keys(document.document.paths).filter((p) => !p.includes('{'))) await methodsOf(path);
  await audit(as);
  await missions(as);
  await operator(anna.userId); // its tick plans what the tab has given back
  await languageModel(as);
  const berta = await signIn();
  await keyVault({ headers: bearer(berta.accessToken) });
  await sync({ headers: bearer(berta.accessToken) });
  await socket();
  await webApp();
  await standin();
  await call('eraseUser', `/internal/users/${berta.userId}`, { headers: serviceKey, status: 200 });
  await tooManySignIns();
}
