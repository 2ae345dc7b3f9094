// check.mjs <packages> <kubectl> <work> <binary>: checks both overlays; one line `ok …` or `FAIL …` per check.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';
import { Cluster } from './cluster.mjs';
import { printed_secrets, refused_settings, secrets_that_do_not_fit, unknown_settings } from './configuration.mjs';
import { rules } from './policy.mjs';
import { test_policy } from './policy_test.mjs';
import { validator } from './schemas.mjs';
import { source_facts } from './source_facts.mjs';

const [packages, kubectl, work, binary] = process.argv.slice(2);
const checkout = fileURLToPath(new URL('../../..', import.meta.url));
let failed = false;

function report(name, wrong) {
  console.log(`${wrong.length === 0 ? 'ok' : 'FAIL'} ${name}`);
  for (const text of wrong.slice(0, 30)) console.log(`     ${text}`);
  failed ||= wrong.length > 0;
}

function built(overlay) {
  const yaml = execFileSync(kubectl, ['kustomize', path.join(checkout, 'deploy/k8s/overlays', overlay)], {
    encoding: 'utf8',
  });
  return parseAllDocuments(yaml).map((d) => d.toJS());
}

function secrets_of(overlay, cluster) {
  const script = path.join(checkout, 'deploy/secrets.sh');
  const directory = path.join(work, `${overlay}-secrets`);
  execFileSync(script, [directory, '127.0.0.1:9/mana', binary]);
  return printed_secrets({ script, directory, namespace: cluster.namespace, overlay, kubectl });
}

const refused_by_the_program = (overlay, cluster, secrets) =>
  refused_settings(cluster, secrets.data, { binary, work: path.join(work, overlay) });

const problems_of = await validator(packages);
const facts = source_facts();

// That the schemas are strict, before anything is said to match them.
const misspelt = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' }, automountServiceAccountTokens: false },
  {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'Probe',
    metadata: { name: 'a' },
    spec: { job: 'a', prober: { url: 'a:1' } },
  },
];
report(
  'schemas refuse unknown fields',
  misspelt.filter((o) => problems_of(o).length === 0).map((o) => `a misspelt field of ${o.kind} is taken`),
);

for (const overlay of ['dev', 'prod']) {
  const objects = built(overlay);
  const cluster = new Cluster(objects);
  report(
    `${overlay}: ${objects.length} objects match their schemas`,
    objects.flatMap((o) => problems_of(o).map((p) => `${o.kind} ${o.metadata?.name}: ${p}`)),
  );
  for (const [name, rule] of Object.entries(rules)) report(`${overlay}: ${name}`, rule(cluster, { ...facts, overlay }));
  report(`${overlay}: settings exist`, unknown_settings(cluster, facts));

  const secrets = secrets_of(overlay, cluster);
  report(`${overlay}: secrets match their schema`, secrets.objects.flatMap(problems_of));
  report(`${overlay}: secrets fit`, secrets_that_do_not_fit(cluster, secrets.data));
  report(`${overlay}: the program accepts its settings`, refused_by_the_program(overlay, cluster, secrets));
}

const prod = built('prod');
for (const { name, ok, detail } of test_policy(prod, { ...facts, overlay: 'prod' }))
  report(`rule fires: ${name}`, ok ? [] : detail);

// The same for what is no rule: a planted mistake has to be found.
function with_runner_settings(change) {
  const objects = built('prod');
  Object.assign(objects.find((o) => o.kind === 'ConfigMap' && 'MAX_RUNS' in o.data).data, change);
  return new Cluster(objects);
}
const found = (wrong) => (wrong.length > 0 ? [] : ['a planted mistake is not found']);
report('rule fires: settings exist', found(unknown_settings(with_runner_settings({ MAX_RUNZ: '1' }), facts)));
report('rule fires: secrets fit', found(secrets_that_do_not_fit(new Cluster(prod), {})));
const with_text = with_runner_settings({ MAX_RUNS: 'many' });
report(
  'rule fires: the program accepts its settings',
  found(refused_by_the_program('planted', with_text, secrets_of('prod', with_text))),
);

process.exit(failed ? 1 : 0);
