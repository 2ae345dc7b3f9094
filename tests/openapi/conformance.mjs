#!/usr/bin/env node
// Calls the running service, and compares what it takes and answers with the document that it serves.
//
//   conformance.mjs routes    stdin: the service's log with LOG_LEVEL=debug: its routes are those of the document
//   conformance.mjs calls     every operation in its success and its main errors
//   conformance.mjs outage    those that need the database, without it
//   conformance.mjs coverage  every operation was called and has succeeded; prints what was seen
//
// MANA_SEEN names the file that the phases share, MANA_APP_URL the service with all targets, MANA_SESSION the session
// of a user with a vault and an audit; MANA_RECOVERY_WRAP has what sets one, MANA_SERVICE_KEY is the service's. For
// `calls` also MANA_BARE_URL (the same users, no keys for grants and heads, one LLM call a minute to an endpoint that
// fails), MANA_STANDIN_LIMITED_URL and MANA_STANDIN_FAILING_URL (stand-ins that only refuse).
import { readFileSync } from 'node:fs';
import { calls, chat, examplePath, noRun, wish } from './calls.mjs';
import { bearer, call, complain, document, json, parsed, problems, serviceKey } from './client.mjs';

const { env } = process;

const annasSession = () => JSON.parse(readFileSync(env.MANA_SESSION, 'utf8'));

// Everything that asks the database, with requests that are right.
async function outage() {
  const { accessToken, cookie } = annasSession();
  const credentials = json({ name: 'anna', password: 'Ein langes Passwort' });
  const requests = {
    releaseMission: json({ userId: 'anna', missionId: 'm' }),
    renewForegroundRun: json({ leaseToken: noRun }),
    completeChat: json(chat),
    issueGrant: json(wish),
    setRecoveryWrap: json(JSON.parse(env.MANA_RECOVERY_WRAP)),
    setZeroKnowledge: json({ enable: true }),
    register: credentials,
    logIn: credentials,
    pushChanges: json({ clientId: 'laptop', changes: [] }),
  };
  for (const operation of document.operations.filter((o) => o.responses['504'])) {
    const { operationId: id } = operation;
    const { body, headers } = requests[id] ?? {};
    const query = id === 'endForegroundRun' ? `?leaseToken=${noRun}` : '';
    const identity = { ...bearer(accessToken), ...serviceKey, ...(cookie && { Cookie: cookie }) };
    await call(id, examplePath(operation) + query, { body, headers: { ...headers, ...identity }, status: [503, 504] });
  }
  await call('getReadiness', '/ready', { status: 503 });
}

function routes() {
  const of = (operation) =>
    (operation['x-mana-patterns'] ?? [operation.path]).map((pattern) => `${operation.method} ${pattern}`);
  const documented = new Set(document.operations.flatMap(of));
  const served = new Set(
    readFileSync(0, 'utf8')
      .split('\n')
      .map(parsed)
      .filter((line) => line?.event === 'route')
      .map(({ method, pattern }) => `${method} ${pattern}`),
  );
  for (const route of served) if (!documented.has(route)) complain(`the service has ${route}, the document has not`);
  for (const route of documented) if (!served.has(route)) complain(`the document has ${route}, the service has not`);
}

function coverage() {
  const seen = readFileSync(env.MANA_SEEN, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  let answers = 0;
  for (const { operationId, responses } of document.operations) {
    const own = seen.filter(([id]) => id === operationId).map(([, status]) => String(status));
    if (own.length === 0) complain(`${operationId} was never called`);
    for (const status of Object.keys(responses).filter((s) => Number(s) < 300))
      if (!own.includes(status)) complain(`${operationId} never answered ${status}`);
    answers += new Set(own).size;
  }
  const documented = document.operations.reduce((n, o) => n + Object.keys(o.responses).length, 0);
  const { length } = document.operations;
  console.log(`${seen.length} calls, ${length} operations, ${answers} of ${documented} documented statuses seen`);
}

const phases = { routes, calls: () => calls(annasSession()), outage, coverage };
const phase = phases[process.argv[2]];
if (!phase) throw new Error('usage: conformance.mjs routes|calls|outage|coverage');
await phase();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
