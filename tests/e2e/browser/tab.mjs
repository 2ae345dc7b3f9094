// A tab that plans a mission for its user in the foreground, as a program: what the browser app does, without one.
//
//   node tab.mjs run URL TOKEN MISSION   leases the due slot, asks the language model through the service, and prints
//                                        the update of the mission (data and stamps) that a sync push would carry
//   node tab.mjs hold URL TOKEN MISSION  leases the slot, renews it, and goes on renewing until it is killed; prints
//                                        the lease once it is held
//   node tab.mjs end URL TOKEN MISSION LEASE   gives the run back
//   node tab.mjs ask URL TOKEN [COUNT]   so many calls, one after another; prints status, code and Retry-After of each
//
// Exits with 1 when it is refused, and prints the answer's code.
const [command, url, token, ...rest] = process.argv.slice(2);

async function call(method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, retryAfter: answer.headers.get('Retry-After'), body: text ? JSON.parse(text) : null };
}

async function wanted(answer) {
  if (answer.status < 300) return answer.body;
  console.log(answer.body.code);
  process.exit(1);
}

const runPath = (mission) => `/api/v1/me/missions/${encodeURIComponent(mission)}/foreground-run`;
const completions = '/api/v1/me/llm/chat/completions';
const prompt = {
  messages: [
    { role: 'system', content: 'Du planst Missionen.' },
    { role: 'user', content: 'Mission «Fit bleiben»: Was ist als Nächstes zu tun?' },
  ],
  temperature: 0,
  max_tokens: 500,
};

async function run(mission) {
  const lease = await wanted(await call('POST', runPath(mission)));
  const answer = await wanted(await call('POST', completions, prompt));
  const renewed = await wanted(await call('PUT', runPath(mission), { leaseToken: lease.leaseToken }));
  if (!(renewed.leasedUntil >= lease.leasedUntil)) throw new Error('the renewed lease ends earlier');
  const now = new Date().toISOString();
  const iteration = {
    id: lease.iterationId,
    startedAt: now,
    finishedAt: now,
    plan: [],
    summary: answer.choices[0].message.content.slice(0, 200),
    overallStatus: 'approved',
    source: 'browser',
  };
  const data = { iterations: [iteration], nextRunAt: new Date(Date.now() + 86_400_000).toISOString(), updatedAt: now };
  const stamps = Object.fromEntries(Object.keys(data).map((field) => [field, now]));
  console.log(JSON.stringify({ lease, data, stamps }));
}

async function hold(mission) {
  const lease = await wanted(await call('POST', runPath(mission)));
  console.log(JSON.stringify(lease));
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await wanted(await call('PUT', runPath(mission), { leaseToken: lease.leaseToken }));
  }
}

async function ask(count) {
  for (let i = 0; i < count; i++) {
    const answer = await call('POST', completions, prompt);
    console.log(answer.status, answer.body.code ?? 'ok', answer.retryAfter ?? '-');
  }
}

switch (command) {
  case 'run':
    await run(rest[0]);
    break;
  case 'hold':
    await hold(rest[0]);
    break;
  case 'end':
    await wanted(await call('DELETE', `${runPath(rest[0])}?leaseToken=${rest[1]}`));
    break;
  case 'ask':
    await ask(Number(rest[0] ?? 1));
    break;
  default:
    throw new Error(`no such command: ${command}`);
}
