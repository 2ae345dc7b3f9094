// compose.mjs <compose.yml> <configuration> <secrets> <work>: rules for deploy/compose.yml. `configuration` is what
// docker-compose makes of it, `secrets` a directory that deploy/secrets.sh filled. Leaves the settings of mana-ai and
// migrate, with the secrets where they are here, in <work>/<service>.env. One line `ok …` or `FAIL …` per rule.
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { looks_secret } from './kubernetes/policy.mjs';
import { source_facts } from './kubernetes/source_facts.mjs';

const [file, configuration, secrets, work] = process.argv.slice(2);
const compose = parse(fs.readFileSync(configuration, 'utf8'));
const facts = source_facts();
const services = Object.entries(compose.services);
let failed = false;

function report(name, wrong) {
  console.log(`${wrong.length === 0 ? 'ok' : 'FAIL'} compose: ${name}`);
  for (const text of wrong) console.log(`     ${text}`);
  failed ||= wrong.length > 0;
}

const per_service = (check) =>
  services.flatMap(([name, s]) =>
    [check(s, name)]
      .flat()
      .filter(Boolean)
      .map((w) => `${name}: ${w}`),
  );
const is_ours = (s) => s.image.startsWith('mana-ai:');
const listens_on_loopback = (s) =>
  s.network_mode === 'host' &&
  [...(s.command ?? []), ...Object.entries(s.environment ?? {}).map(([name, value]) => `${name}=${value}`)].some((a) =>
    /^(--web\.listen-address|GF_SERVER_HTTP_ADDR)=127\.0\.0\.1(:|$)/.test(a),
  );
const mounted = (s) => (s.secrets ?? []).map((secret) => secret.source ?? secret);

report(
  'images are releases',
  per_service((s) => (!/:[^:]+$/.test(s.image) || s.image.endsWith(':latest')) && s.image),
);
report(
  'ports are open on this machine alone',
  per_service((s) => [
    ...(s.ports ?? [])
      .filter((p) => !/^127\.0\.0\.1:/.test(typeof p === 'string' ? p : `${p.host_ip}:`))
      .map((p) => JSON.stringify(p)),
    s.network_mode !== undefined && !listens_on_loopback(s) && 'is in the network of the machine and open to others',
  ]),
);
// PostgreSQL's own entry point takes the data directory over and gives up root after that.
report(
  'containers can do little',
  per_service((s, name) => [
    !s.security_opt?.includes('no-new-privileges:true') && 'may gain privileges',
    name !== 'postgres' && !s.cap_drop?.includes('ALL') && 'keeps capabilities',
    name !== 'postgres' && s.read_only !== true && 'can write to its image',
    (s.privileged || s.cap_add || s.pid) && 'is privileged',
  ]),
);
report('nothing secret is in it', [
  ...per_service((s) =>
    Object.entries(s.environment ?? {})
      .filter(([name, value]) => facts.secret_settings.includes(name) || looks_secret.test(`${value}`))
      .map(([name]) => name),
  ),
  ...(looks_secret.test(fs.readFileSync(file, 'utf8').replace(/\$\{[^}]*\}/g, '')) ? [file] : []),
]);
report('every secret is made, and used', [
  ...Object.keys(compose.secrets)
    .filter((name) => !fs.existsSync(path.join(secrets, name)))
    .map((name) => `nobody makes ${name}`),
  ...fs
    .readdirSync(secrets)
    .filter((name) => !services.some(([, s]) => mounted(s).includes(name)))
    .map((name) => `nobody uses ${name}`),
]);
report(
  'secret files are there',
  per_service((s) =>
    Object.entries(s.environment ?? {})
      .filter(([, value]) => `${value}`.startsWith('/run/secrets/') && !mounted(s).includes(path.basename(value)))
      .map(([name]) => name),
  ),
);
report(
  'settings exist',
  per_service((s) =>
    !is_ours(s)
      ? []
      : Object.keys(s.environment ?? {}).filter(
          (name) => !facts.settings.includes(name) && !facts.settings.includes(name.replace(/_FILE$/, '')),
        ),
  ),
);
report(
  'keys are where they belong',
  per_service((s, name) => mounted(s).filter((secret) => /\.(pem|txt)$/.test(secret) && name !== 'mana-ai')),
);
report(
  'files that are mounted exist',
  per_service((s) =>
    (s.volumes ?? [])
      .map((v) => (typeof v === 'string' ? v : `${v.source}:`).split(':')[0])
      .filter((source) => source.startsWith('/') && !fs.existsSync(source)),
  ),
);
// Longer than the process takes to stop: http/service.cpp, as in kubernetes/policy.mjs.
report(
  'there is time to stop',
  parseInt(compose.services['mana-ai'].stop_grace_period, 10) > 25 + 5 + 2 ? [] : ['the grace period is too short'],
);

for (const name of ['mana-ai', 'migrate']) {
  const lines = Object.entries(compose.services[name].environment).map(
    ([setting, value]) => `${setting}=${`${value}`.replace(/^\/run\/secrets\//, `${secrets}/`)}`,
  );
  fs.writeFileSync(path.join(work, `${name}.env`), `${lines.join('\n')}\n`);
}
process.exit(failed ? 1 : 0);
