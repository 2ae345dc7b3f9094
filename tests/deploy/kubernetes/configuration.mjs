// Whether the settings in the manifests are settings of the program, and whether the program accepts them: the real
// binary loads each pod's environment, with secrets that deploy/secrets.sh has made in place of the mounted ones.
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';

export function unknown_settings(cluster, facts) {
  return cluster.workloads
    .filter((w) => w.is_ours)
    .flatMap((w) =>
      w.containers.flatMap((c) =>
        Object.keys(w.environment(c))
          .filter((name) => !facts.settings.includes(name) && !facts.settings.includes(name.replace(/_FILE$/, '')))
          .map((name) => `${w.name}: ${name} is no setting`),
      ),
    );
}

// The Secrets of an installation, as {name: {key: value}}.
export function printed_secrets({ script, directory, namespace, overlay, kubectl }) {
  const yaml = execFileSync(script, ['--print-kubernetes', directory, namespace, overlay, kubectl], {
    encoding: 'utf8',
  });
  const secrets = parseAllDocuments(yaml)
    .map((d) => d.toJS())
    .filter(Boolean);
  return { objects: secrets, data: Object.fromEntries(secrets.map((s) => [s.metadata.name, s.data])) };
}

export function secrets_that_do_not_fit(cluster, printed) {
  const used = new Set(cluster.workloads.flatMap((w) => w.secrets));
  return [
    ...[...used].filter((name) => !printed[name]).map((name) => `nobody makes the Secret ${name}`),
    ...Object.keys(printed)
      .filter((name) => !used.has(name))
      .map((name) => `nobody uses the Secret ${name}`),
    ...cluster.workloads.flatMap((w) =>
      w.containers.flatMap((c) =>
        Object.entries(w.environment(c))
          .filter(([name]) => name.endsWith('_FILE'))
          .flatMap(([name, file]) => {
            const mount = w.mounted_secrets(c).find((m) => file.startsWith(`${m.path}/`));
            const key = mount && path.relative(mount.path, file);
            return mount && printed[mount.secret]?.[key] ? [] : [`${w.name}: ${name} names a file that no Secret has`];
          }),
      ),
    ),
  ];
}

// What the program says against the settings of its pods; `work` is a directory for the secrets.
export function refused_settings(cluster, printed, { binary, work }) {
  return cluster.workloads
    .filter((w) => w.is_ours)
    .flatMap((w) =>
      w.containers.flatMap((c) => {
        const environment = {};
        for (const [name, value] of Object.entries(w.environment(c))) {
          const mount = name.endsWith('_FILE') && w.mounted_secrets(c).find((m) => value.startsWith(`${m.path}/`));
          environment[name] = value;
          if (!mount) continue;
          const key = path.relative(mount.path, value);
          environment[name] = path.join(work, mount.secret, key);
          fs.mkdirSync(path.dirname(environment[name]), { recursive: true });
          fs.writeFileSync(environment[name], Buffer.from(printed[mount.secret]?.[key] ?? '', 'base64'));
        }
        // `check` ends with 2 before it tries anything when settings are wrong, and otherwise with 1 or 0: whatever it
        // would ask is made a closed port of this machine. A migration has no check; it fails at the database with 1.
        const nowhere = (url) => url?.replace(/:\/\/[^/]*/, '://127.0.0.1:9');
        for (const name of ['MANA_LLM_URL', 'MANA_AUTH_URL'])
          if (environment[name]) environment[name] = nowhere(environment[name]);
        const command = c.args[0] === 'migrate' ? c.args : ['check', ...c.args];
        const run = spawnSync(binary, command, { env: environment, encoding: 'utf8', timeout: 60_000 });
        return run.status !== 0 && run.status !== 1 ? [`${w.name}: code ${run.status}: ${run.stderr}`] : [];
      }),
    );
}
