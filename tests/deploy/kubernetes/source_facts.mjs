// What the source tree says of settings, metrics and probes.
import fs from 'node:fs';
import { parse } from 'yaml';

const read = (path) => fs.readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

export function source_facts() {
  const members = [...read('infra/config/settings_table.cpp').matchAll(/\{"([A-Z0-9_]+)",\s*&s::(\w+)/g)];
  if (members.length < 50) throw new Error('infra/config/settings_table.cpp is not written as this script reads it');
  const secrets = new Set(
    [...read('infra/config/settings.hpp').matchAll(/\b(?:secret_text|pem_text) (\w+)/g)].map((m) => m[1]),
  );
  return {
    settings: members.map((m) => m[1]),
    secret_settings: members.filter((m) => secrets.has(m[2])).map((m) => m[1]),
    // Jobs of deploy/prometheus that go through the blackbox exporter, and the module of each.
    probe_modules: Object.fromEntries(
      parse(read('deploy/prometheus/prometheus.yml'))
        .scrape_configs.filter((job) => job.metrics_path === '/probe')
        .map((job) => [job.job_name, job.params.module[0]]),
    ),
    metrics: [...new Set(read('tests/unit/metrics/series.golden').match(/^mana_ai_\w+/gm))],
  };
}
