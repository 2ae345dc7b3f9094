// What must hold for deploy/compose.yml. A rule gets what docker-compose makes of the file, and facts ({settings,
// secret_settings, text: the file, made: the secrets that deploy/secrets.sh makes, image_has_health_check, checkout}),
// and returns what breaks it, as texts; policy_test.mjs shows that each one finds what it is for.
import fs from 'node:fs';
import path from 'node:path';
import { looks_secret } from '../kubernetes/policy.mjs';

const per_service = (check) => (compose, facts) =>
  Object.entries(compose.services).flatMap(([name, s]) =>
    [check(s, name, facts)]
      .flat()
      .filter(Boolean)
      .map((w) => `${name}: ${w}`),
  );
const is_ours = (s) => s.image.startsWith('mana-ai:');
const runs_once = (s) => s.restart === 'on-failure';
const environment = (s) => Object.entries(s.environment ?? {});
const words = (s) => [s.command ?? []].flat();
const mounted = (s) => (s.secrets ?? []).map((secret) => secret.source ?? secret);
const volumes = (s) =>
  (s.volumes ?? []).map((v) => {
    const parts = typeof v === 'string' ? v.split(':') : [v.source, v.target, v.read_only ? 'ro' : 'rw'];
    const [source, , mode = 'rw'] = parts;
    return { source, mode };
  });
const of_the_machine = (s) => volumes(s).filter((v) => v.source.startsWith('/'));
const listens_on_loopback = (s) =>
  s.network_mode === 'host' &&
  [...words(s), ...environment(s).map(([name, value]) => `${name}=${value}`)].some((a) =>
    /^(--web\.listen-address|GF_SERVER_HTTP_ADDR)=127\.0\.0\.1(:|$)/.test(a),
  );

export const rules = {
  'images are releases': per_service((s) => (!/:[^:/]+$/.test(s.image) || s.image.endsWith(':latest')) && s.image),
  'ports are open on this machine alone': per_service((s) => [
    ...(s.ports ?? [])
      .filter((p) => !/^127\.0\.0\.1:/.test(typeof p === 'string' ? p : `${p.host_ip}:`))
      .map((p) => JSON.stringify(p)),
    s.network_mode !== undefined && !listens_on_loopback(s) && 'is in the network of the machine and open to others',
  ]),
  'the database is for its clients alone': (compose) => {
    const { ports = [], network_mode, networks = {} } = compose.services.postgres;
    const names = Array.isArray(networks) ? networks : Object.keys(networks);
    return [
      ports.length > 0 && 'it has a port of the machine',
      network_mode !== undefined && 'it is in the network of the machine',
      names.length === 0 && 'it is in the network that everybody is in',
      ...names.filter((n) => compose.networks[n]?.internal !== true).map((n) => `its network ${n} leads outside`),
    ].filter(Boolean);
  },
  // PostgreSQL's own entry point takes the data directory over and gives up root after that.
  'nobody is root': per_service((s, name) => [
    name !== 'postgres' && !/^[1-9]\d*(:|$)/.test(s.user ?? '') && `runs as ${s.user ?? 'whoever its image says'}`,
  ]),
  'containers can do little': per_service((s, name) => [
    !s.security_opt?.includes('no-new-privileges:true') && 'may gain privileges',
    name !== 'postgres' && !s.cap_drop?.includes('ALL') && 'keeps capabilities',
    name !== 'postgres' && s.read_only !== true && 'can write to its image',
    (s.privileged || s.cap_add || s.pid || s.ipc || s.devices) && 'is privileged',
    s.security_opt?.some((o) => /unconfined$/.test(o)) && 'is not confined',
  ]),
  'nobody takes the whole machine': per_service((s) => [
    !s.mem_limit && 'has no limit of memory',
    !(s.pids_limit > 0) && 'has no limit of processes',
    s.logging?.options?.['max-size'] === undefined && 'may fill the disk with its log',
  ]),
  'everybody says whether they are well': per_service((s, _, facts) => {
    const has_one = s.healthcheck?.test !== undefined || (is_ours(s) && facts.image_has_health_check);
    return !runs_once(s) && (!has_one || s.healthcheck?.disable === true) && 'has no health check';
  }),
  'nothing secret is in it': (compose, facts) => [
    ...per_service((s) => [
      ...environment(s)
        .filter(([name, value]) => facts.secret_settings.includes(name) || looks_secret.test(`${value}`))
        .map(([name]) => name),
      ...words(s).filter((word) => looks_secret.test(word)),
    ])(compose, facts),
    // Passwords of others have no form that shows: their names do.
    ...per_service((s) =>
      environment(s)
        .filter(([name]) => /(PASSWORD|SECRET|TOKEN|_KEY)$/.test(name))
        .map(([name]) => name),
    )(compose, facts),
    ...(looks_secret.test(facts.text.replace(/\$\{[^}]*\}/g, '')) ? ['the file itself'] : []),
  ],
  'every secret is made, and used': (compose, facts) => [
    ...Object.keys(compose.secrets)
      .filter((name) => !facts.made.includes(name))
      .map((name) => `nobody makes ${name}`),
    ...facts.made
      .filter((name) => !Object.values(compose.services).some((s) => mounted(s).includes(name)))
      .map((name) => `nobody uses ${name}`),
  ],
  'secret files are there': per_service((s) =>
    environment(s)
      .filter(([, value]) => `${value}`.startsWith('/run/secrets/') && !mounted(s).includes(path.basename(value)))
      .map(([name]) => name),
  ),
  'settings exist': per_service((s, _, facts) =>
    !is_ours(s)
      ? []
      : environment(s)
          .map(([name]) => name)
          .filter((name) => !facts.settings.includes(name) && !facts.settings.includes(name.replace(/_FILE$/, ''))),
  ),
  'keys are where they belong': per_service((s, name) =>
    mounted(s).filter((secret) => /\.(pem|txt)$/.test(secret) && name !== 'mana-ai'),
  ),
  'files that are mounted are of this checkout, and only read': per_service((s, _, facts) =>
    of_the_machine(s).flatMap(({ source, mode }) => [
      !fs.existsSync(source) && `${source} is not there`,
      !source.startsWith(`${facts.checkout}/deploy/`) && `${source} is none of its files`,
      mode !== 'ro' && `${source} can be written`,
    ]),
  ),
  // Longer than the process takes to stop: http/service.cpp, as in kubernetes/policy.mjs.
  'there is time to stop': (compose) =>
    parseInt(compose.services['mana-ai'].stop_grace_period, 10) > 25 + 5 + 2 ? [] : ['the grace period is too short'],
};
