// What is planted for the rules of policy.mjs, each into fresh copies of the configuration and of the facts.
import { test_rules } from '../planted.mjs';
import { rules } from './policy.mjs';

const plants = {
  'images are releases': [
    ({ grafana }) => {
      grafana.image = 'grafana/grafana:latest';
    },
    ({ prometheus }) => {
      prometheus.image = 'prom/prometheus';
    },
    ({ postgres }) => {
      postgres.image = 'registry.example.org:5000/postgres';
    },
  ],
  'ports are open on this machine alone': [
    (s) => {
      s['mana-ai'].ports = ['3067:3067'];
    },
    (s) => {
      s['mana-ai'].ports = [{ published: 3067, target: 3067 }];
    },
    (s) => {
      s['llm-standin'].ports = ['0.0.0.0:3068:3067/tcp'];
    },
    ({ prometheus }) => {
      prometheus.command = prometheus.command.filter((a) => !a.startsWith('--web.listen-address'));
    },
    ({ alertmanager }) => {
      alertmanager.command.splice(2, 1, '--web.listen-address=0.0.0.0:9093');
    },
    ({ grafana }) => {
      delete grafana.environment.GF_SERVER_HTTP_ADDR;
    },
    (s) => {
      s['mana-ai'].network_mode = 'host';
    },
  ],
  'the database is for its clients alone': [
    ({ postgres }) => {
      postgres.ports = ['127.0.0.1:5432:5432/tcp'];
    },
    ({ postgres }) => {
      postgres.ports = ['5432:5432'];
    },
    ({ postgres }) => {
      postgres.network_mode = 'host';
    },
    ({ postgres }) => {
      delete postgres.networks;
    },
    ({ postgres }) => {
      postgres.networks.outside = null;
    },
    (_, { compose }) => {
      delete compose.networks.database.internal;
    },
  ],
  'nobody is root': [
    (s) => {
      delete s['mana-ai'].user;
    },
    ({ prometheus }) => {
      prometheus.user = 'root';
    },
    ({ blackbox }) => {
      blackbox.user = '0:65534';
    },
    ({ grafana }) => {
      grafana.user = 'grafana';
    },
  ],
  'containers can do little': [
    ({ postgres }) => {
      delete postgres.security_opt;
    },
    (s) => {
      s['mana-ai'].cap_drop = ['NET_RAW'];
    },
    (s) => {
      delete s.migrate.read_only;
    },
    ({ blackbox }) => {
      blackbox.cap_add = ['NET_RAW'];
    },
    ({ postgres }) => {
      postgres.privileged = true;
    },
    ({ prometheus }) => {
      prometheus.pid = 'host';
    },
    ({ grafana }) => {
      grafana.security_opt.push('seccomp:unconfined');
    },
  ],
  'nobody takes the whole machine': [
    (s) => {
      delete s['mana-ai'].mem_limit;
    },
    ({ postgres }) => {
      delete postgres.pids_limit;
    },
    ({ grafana }) => {
      grafana.pids_limit = -1;
    },
    ({ prometheus }) => {
      delete prometheus.logging.options['max-size'];
    },
    ({ postgres }) => {
      delete postgres.logging;
    },
  ],
  'everybody says whether they are well': [
    ({ postgres }) => {
      delete postgres.healthcheck;
    },
    ({ grafana }) => {
      grafana.healthcheck = { disable: true };
    },
    (s) => {
      s['mana-ai'].healthcheck = { disable: true };
    },
    (_, { facts }) => {
      facts.image_has_health_check = false;
    },
  ],
  'nothing secret is in it': [
    (s) => {
      s['mana-ai'].environment.MANA_SERVICE_KEY = 'a-key-for-all-services';
    },
    (s) => {
      s['mana-ai'].environment.SOME_URL = 'postgresql://mana_ai_runner:geheim@postgres:5432/mana';
    },
    (s) => {
      s.migrate.command.push('postgresql://owner:geheim@postgres/mana');
    },
    ({ postgres }) => {
      postgres.environment.POSTGRES_PASSWORD = 'geheim';
    },
    ({ grafana }) => {
      grafana.environment.GF_SECURITY_ADMIN_PASSWORD = 'admin';
    },
    (_, { facts }) => {
      facts.text += '\n# -----BEGIN PRIVATE KEY-----\n';
    },
  ],
  'every secret is made, and used': [
    (_, { compose }) => {
      compose.secrets.forgotten = { file: '/elsewhere' };
    },
    (_, { facts }) => {
      facts.made.push('forgotten');
    },
    ({ grafana }) => {
      delete grafana.secrets;
    },
  ],
  'secret files are there': [
    (s) => {
      s['mana-ai'].secrets = s['mana-ai'].secrets.filter(({ source }) => source !== 'service-key');
    },
    ({ postgres }) => {
      postgres.environment.POSTGRES_PASSWORD_FILE = '/run/secrets/password';
    },
  ],
  'settings exist': [
    (s) => {
      s['mana-ai'].environment.MAX_RUNZ = '1';
    },
    (s) => {
      s.migrate.environment.MIGRATION_URL_FILE = '/run/secrets/migration-database-url';
    },
  ],
  'keys are where they belong': [
    (s) => {
      s.migrate.secrets.push({ source: 'mana-auth-kek.txt' });
    },
    ({ grafana }) => {
      grafana.secrets.push({ source: 'mana-ai-private.pem' });
    },
  ],
  'files that are mounted are of this checkout, and only read': [
    ({ prometheus }) => {
      prometheus.volumes.push('/var/run/docker.sock:/var/run/docker.sock:ro');
    },
    ({ prometheus }) => {
      prometheus.volumes[0] = prometheus.volumes[0].replace(/:ro$/, ':rw');
    },
    ({ blackbox }, { facts }) => {
      blackbox.volumes.push(`${facts.checkout}/deploy/forgotten.yml:/forgotten.yml:ro`);
    },
    ({ grafana }) => {
      grafana.volumes.push('/:/machine:ro');
    },
  ],
  'there is time to stop': [
    (s) => {
      s['mana-ai'].stop_grace_period = '10s';
    },
    (s) => {
      delete s['mana-ai'].stop_grace_period;
    },
  ],
};

export const test_policy = (compose, facts) =>
  test_rules(rules, plants, (rule, plant) => {
    const copy = structuredClone({ compose, facts });
    plant?.(copy.compose.services, copy);
    return rule(copy.compose, copy.facts);
  });
