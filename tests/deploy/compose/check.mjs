// check.mjs <compose.yml> <configuration> <secrets> <work>: rules for deploy/compose.yml, each of which has to find
// what is planted for it. `configuration` is what docker-compose makes of the file, `secrets` a directory that
// deploy/secrets.sh filled. Leaves the settings of mana-ai and migrate, with the secrets where they are here, in
// <work>/<service>.env. One line `ok …` or `FAIL …` per check.
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { source_facts } from '../kubernetes/source_facts.mjs';
import { rules } from './policy.mjs';
import { test_policy } from './policy_test.mjs';

const [file, configuration, secrets, work] = process.argv.slice(2);
const compose = parse(fs.readFileSync(configuration, 'utf8'));
const checkout = path.resolve(path.dirname(file), '..');
const facts = {
  ...source_facts(),
  text: fs.readFileSync(file, 'utf8'),
  made: fs.readdirSync(secrets),
  image_has_health_check: /^HEALTHCHECK .*CMD/m.test(fs.readFileSync(path.join(checkout, 'deploy/Dockerfile'), 'utf8')),
  checkout,
};
let failed = false;

function report(name, wrong) {
  console.log(`${wrong.length === 0 ? 'ok' : 'FAIL'} compose: ${name}`);
  for (const text of wrong) console.log(`     ${text}`);
  failed ||= wrong.length > 0;
}

for (const [name, rule] of Object.entries(rules)) report(name, rule(compose, facts));
for (const { name, ok, detail } of test_policy(compose, facts)) report(`rule fires: ${name}`, ok ? [] : detail);

for (const name of ['mana-ai', 'migrate']) {
  const lines = Object.entries(compose.services[name].environment).map(
    ([setting, value]) => `${setting}=${`${value}`.replace(/^\/run\/secrets\//, `${secrets}/`)}`,
  );
  fs.writeFileSync(path.join(work, `${name}.env`), `${lines.join('\n')}\n`);
}
process.exit(failed ? 1 : 0);
