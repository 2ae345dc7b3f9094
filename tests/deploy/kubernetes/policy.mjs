// What must hold for the manifests beyond their schemas. A rule gets the cluster and facts of the source tree
// ({overlay, secret_settings, metrics, probe_modules}) and returns what breaks it, as texts; policy_test.mjs shows that
// each one finds what it is for.
import { network_flows } from './flows.mjs';
import { selects } from './cluster.mjs';

const per_container = (check) => (cluster) =>
  cluster.workloads.flatMap((w) =>
    w.containers
      .flatMap((c) => check(c, w))
      .filter(Boolean)
      .map((what) => `${w.name}: ${what}`),
  );
const per_workload = (check) => (cluster, facts) =>
  cluster.workloads.flatMap((w) =>
    [check(w, cluster, facts)]
      .flat()
      .filter(Boolean)
      .map((what) => `${w.name}: ${what}`),
  );

const serves = (w) => w.kind !== 'Job';
const security = (c, w, field) => c.securityContext?.[field] ?? w.pod.securityContext?.[field];

function scalers(cluster) {
  return [
    ...cluster.of('HorizontalPodAutoscaler').map((o) => ({ o, min: o.spec.minReplicas ?? 1, max: o.spec.maxReplicas })),
    ...cluster
      .of('ScaledObject')
      .map((o) => ({ o, min: o.spec.minReplicaCount ?? 0, max: o.spec.maxReplicaCount ?? 100 })),
  ].map((s) => ({ ...s, target: s.o.spec.scaleTargetRef.name }));
}

// As http/service.cpp stops: the pause, the grace and what runner::drain waits beyond it, the last requests.
function longest_stop(w, settings) {
  const pre_stop = w.pod.containers[0].lifecycle?.preStop?.sleep?.seconds ?? 0;
  const ms = (name, fallback) => Number(settings[name] ?? fallback) / 1000;
  const runs = w.component === 'runner' ? ms('SHUTDOWN_GRACE_MS', 25_000) + 5 : 0;
  return pre_stop + ms('SHUTDOWN_DELAY_MS', 0) + runs + 2;
}

// -- pods -------------------------------------------------------------------------------------------------------

const non_root = per_container((c, w) => [
  security(c, w, 'runAsNonRoot') !== true && 'may run as root',
  !(security(c, w, 'runAsUser') > 0) && 'has no number of a user',
]);
const no_privilege = per_container((c, w) => {
  const s = c.securityContext ?? {};
  return [
    s.privileged === true && 'is privileged',
    s.allowPrivilegeEscalation !== false && 'may gain privileges',
    !s.capabilities?.drop?.includes('ALL') && 'keeps capabilities',
    (s.capabilities?.add ?? []).length > 0 && 'adds capabilities',
    (w.pod.hostNetwork || w.pod.hostPID || w.pod.hostIPC) && 'shares the host',
    (c.ports ?? []).some((p) => p.hostPort) && 'takes a port of the host',
    (w.pod.volumes ?? []).some((v) => v.hostPath) && 'mounts a path of the host',
  ];
});
const seccomp = per_container(
  (c, w) => security(c, w, 'seccompProfile')?.type !== 'RuntimeDefault' && 'has no seccomp profile',
);
const read_only_root = per_container(
  (c) => c.securityContext?.readOnlyRootFilesystem !== true && 'can write to its image',
);
const resources = per_container((c) => [
  !c.resources?.requests?.cpu && 'requests no CPU',
  !c.resources?.requests?.memory && 'requests no memory',
  !c.resources?.limits?.memory && 'has no limit of memory',
]);
const probes = per_workload((w) =>
  w.pod.containers.flatMap((c) =>
    !serves(w)
      ? []
      : [
          ...['startupProbe', 'livenessProbe', 'readinessProbe'].filter((p) => !c[p]).map((p) => `has no ${p}`),
          c.livenessProbe?.httpGet?.path === '/ready' && 'is restarted when something else is away',
          w.is_ours &&
            w.component !== 'llm-standin' &&
            c.readinessProbe?.httpGet?.path !== '/ready' &&
            'is ready before it says so',
        ],
  ),
);
const termination = per_workload((w) => {
  if (!serves(w) || !w.is_ours) return [];
  const settings = w.environment(w.pod.containers[0]);
  return [
    !w.pod.containers[0].lifecycle?.preStop && 'has no preStop',
    !((w.pod.terminationGracePeriodSeconds ?? 30) > longest_stop(w, settings)) &&
      `is killed after ${w.pod.terminationGracePeriodSeconds ?? 30} s and may take ${longest_stop(w, settings)} s to stop`,
  ];
});
const service_accounts = per_workload((w, cluster) => {
  const account = cluster.named('ServiceAccount', w.pod.serviceAccountName);
  const shared = cluster.workloads.filter((o) => o.pod.serviceAccountName === w.pod.serviceAccountName).length > 1;
  return [
    !account && 'runs under an account that is not there',
    shared && 'shares its account',
    (w.pod.automountServiceAccountToken !== false || account?.automountServiceAccountToken !== false) &&
      'is given a token of the API',
    w.pod.enableServiceLinks !== false && 'has the addresses of all Services in its environment',
  ];
});
const images = (cluster, facts) =>
  per_container((c) => {
    const [, tag] = c.image.match(/:([^/:@]+)$/) ?? [];
    const pinned = c.image.includes('@sha256:') || (tag && tag !== 'latest');
    return [
      !pinned && `takes any image: ${c.image}`,
      facts.overlay === 'prod' &&
        pinned &&
        !/^\d+\.\d+\.\d+/.test(tag ?? '0.0.0') &&
        `takes an image that is no release: ${c.image}`,
    ];
  })(cluster);

// -- secrets ----------------------------------------------------------------------------------------------------

export const looks_secret =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|:\/\/[^\s/@:]+:[^\s/@]+@|^[a-z0-9]+:[A-Za-z0-9+/]{43}=$/;
const no_plain_secrets = (cluster, facts) => [
  ...cluster.of('Secret').map((o) => `Secret ${o.metadata.name} is in the manifests`),
  ...cluster.of('ConfigMap').flatMap((o) =>
    Object.entries(o.data ?? {})
      .filter(([name, value]) => facts.secret_settings.includes(name) || looks_secret.test(value))
      .map(([name]) => `ConfigMap ${o.metadata.name} holds ${name}`),
  ),
  ...per_container((c) =>
    (c.env ?? [])
      .filter(
        (e) =>
          e.valueFrom?.secretKeyRef ||
          (e.value !== undefined && (facts.secret_settings.includes(e.name) || looks_secret.test(e.value))),
      )
      .map((e) => `${e.name} is in the environment, where every child process and crash report has it`),
  )(cluster),
  ...per_container((c) =>
    [...(c.args ?? []), ...(c.command ?? [])]
      .filter((a) => looks_secret.test(a))
      .map(() => 'has a secret in its arguments'),
  )(cluster),
];
// Which pods may have which Secrets: all of them, and nobody else's.
const owners = {
  runner: ['mana-ai-runner', 'mana-ai-runner-key'],
  auth: ['mana-ai-auth', 'mana-ai-auth-kek'],
  sync: ['mana-ai-sync'],
  migration: ['mana-ai-migration'],
  postgres: ['mana-ai-postgres'],
};
const keys_where_they_belong = per_workload((w) => {
  const settings = w.containers.flatMap((c) => Object.keys(w.environment(c)));
  const only = (name, component) =>
    settings.some((s) => s.startsWith(name)) && w.component !== component && `is told of ${name}`;
  return [
    ...w.secrets.filter((s) => !owners[w.component]?.includes(s)).map((s) => `has the Secret ${s}`),
    only('MANA_AI_PRIVATE_KEY_PEM', 'runner'),
    only('MANA_AUTH_KEK', 'auth'),
    only('AUTH_SIGNING_KEY_PEM', 'auth'),
    only('MIGRATION_DATABASE_URL', 'migration'),
    ...(w.pod.volumes ?? [])
      .filter((v) => v.secret && ((v.secret.defaultMode ?? 0o644) & 0o007) !== 0)
      .map((v) => `lets everybody in the pod read ${v.secret.secretName}`),
  ];
});
const secret_files_are_mounted = per_container((c, w) =>
  Object.entries(w.environment(c))
    .filter(
      ([name, path]) =>
        name.endsWith('_FILE') &&
        path.startsWith('/run/secrets/') &&
        !w.mounted_secrets(c).some((m) => path === m.path || path.startsWith(`${m.path}/`)),
    )
    .map(([name, path]) => `${name} names ${path}, which is not mounted`),
);

// -- around the pods --------------------------------------------------------------------------------------------

const namespace_labels = (cluster) =>
  cluster.of('Namespace').length !== 1
    ? ['there is not one namespace']
    : [
        cluster.of('Namespace')[0].metadata.labels?.['pod-security.kubernetes.io/enforce'] !== 'restricted' &&
          'pods are not restricted',
        ...cluster.objects
          .filter((o) => o.kind !== 'Namespace' && o.metadata.namespace !== cluster.namespace)
          .map((o) => `${o.kind} ${o.metadata.name} is in another namespace`),
      ].filter(Boolean);
const references = per_container((c, w) =>
  (c.envFrom ?? [])
    .filter((e) => !w.cluster.named('ConfigMap', e.configMapRef?.name))
    .map((e) => `takes settings from ${JSON.stringify(e)}`),
);
const services = (cluster) =>
  cluster.of('Service').flatMap((s) => {
    const pods = cluster.workloads.filter(
      (w) => s.spec.selector && selects({ matchLabels: s.spec.selector }, w.labels),
    );
    const ports = pods.flatMap((w) => w.containers.flatMap((c) => c.ports ?? []));
    return [
      s.spec.selector && pods.length !== 1 && `Service ${s.metadata.name} has the pods of ${pods.length} workloads`,
      s.spec.selector &&
        s.spec.ports.some((p) => !ports.some((o) => o.name === (p.targetPort ?? p.port))) &&
        `Service ${s.metadata.name} leads to a port that its pods have not`,
      s.spec.type && s.spec.type !== 'ClusterIP' && `Service ${s.metadata.name} is open beyond the cluster`,
    ].filter(Boolean);
  });
const disruption_budgets = per_workload((w, cluster) => {
  if (w.kind !== 'Deployment' || w.component === 'llm-standin') return [];
  const budgets = cluster.of('PodDisruptionBudget').filter((b) => selects(b.spec.selector, w.labels));
  return [
    budgets.length !== 1 && `has ${budgets.length} disruption budgets`,
    budgets.some((b) => b.spec.maxUnavailable === 0 || b.spec.minAvailable !== undefined) &&
      'has a budget that may hold up every drain',
  ];
});
const spread = per_workload(
  (w) =>
    w.kind === 'Deployment' &&
    w.component !== 'llm-standin' &&
    ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']
      .filter(
        (key) =>
          !(w.pod.topologySpreadConstraints ?? []).some(
            (t) => t.topologyKey === key && selects(t.labelSelector, w.labels),
          ),
      )
      .map((key) => `is not spread over ${key}`),
);
const scaling = (cluster, facts) => {
  const all = scalers(cluster);
  const targets = ['runner', 'auth', 'sync', 'web'];
  return [
    ...(facts.overlay === 'prod'
      ? targets.filter((t) => all.filter((s) => s.target === cluster.workload(t)?.name).length !== 1)
      : []
    ).map((t) => `${t} has not one scaler`),
    ...all.flatMap((s) => {
      const deployment = cluster.named('Deployment', s.target);
      return [
        !deployment && `${s.o.metadata.name} scales ${s.target}, which is not there`,
        deployment?.spec.replicas !== undefined && `${s.target} has replicas of its own, which every apply sets back`,
        (s.min < 2 || s.max < s.min) && `${s.target} may have ${s.min} to ${s.max} replicas`,
      ];
    }),
    ...cluster
      .of('ScaledObject')
      .flatMap((o) => o.spec.triggers)
      .flatMap((t) => t.metadata.query.match(/mana_ai_\w+/g) ?? ['no metric'])
      .map((metric) => !facts.metrics.includes(metric) && `${metric} is no metric of the service`),
  ].filter(Boolean);
};
const ingress = (cluster, facts) =>
  cluster.of('Ingress').length !== 1
    ? ['there is not one Ingress']
    : cluster.of('Ingress').flatMap((i) => {
        const hosts = (i.spec.rules ?? []).map((r) => r.host);
        const paths = (i.spec.rules ?? []).flatMap((r) => r.http.paths);
        // The longest path that fits, exact ones first.
        const leads_to = (path) =>
          paths
            .filter((p) =>
              p.pathType === 'Exact'
                ? p.path === path
                : p.path === '/' || path === p.path || path.startsWith(`${p.path}/`),
            )
            .sort((a, b) => (b.pathType === 'Exact') - (a.pathType === 'Exact') || b.path.length - a.path.length)[0]
            ?.backend.service.name;
        const expected = {
          '/': 'web',
          '/missions/4711': 'web',
          '/assets/app.js': 'web',
          '/api/v1/auth/login': 'auth',
          '/api/v1/auth/jwks': 'auth',
          '/api/v1/me/encryption-vault/key': 'auth',
          '/api/v1/me/ai-mission-grant': 'auth',
          '/api/v1/me/missions': 'runner',
          '/api/v1/me/ai-audit/verify': 'runner',
          '/api/v1/me/llm/chat/completions': 'runner',
          '/sync/todo': 'sync',
          '/sync/todo/pull': 'sync',
          '/ws': 'sync',
          '/internal/tick': 'web',
          '/metrics': 'nobody',
          '/ready': 'nobody',
          '/health': 'nobody',
        };
        return [
          (hosts.length !== 1 || !hosts[0]) && 'there is not one host',
          facts.overlay === 'prod' && !(i.spec.tls ?? []).some((t) => t.hosts?.includes(hosts[0])) && 'there is no TLS',
          ...paths
            .filter((p) => !cluster.named('Service', p.backend.service.name))
            .map((p) => `${p.path} leads to no Service`),
          ...Object.entries(expected)
            .filter(([path, name]) => leads_to(path) !== `mana-ai-${name}`)
            .map(([path]) => `${path} leads to ${leads_to(path)}`),
        ].filter(Boolean);
      });
// The web target answers for every path; that /internal ends there, with 404, is what tests/e2e/web_target.sh sees.
const monitored = (cluster) => {
  const monitors = cluster.of('PodMonitor');
  const seen = (w) =>
    monitors.some(
      (m) =>
        selects(m.spec.selector, w.labels) &&
        m.spec.podMetricsEndpoints.some(
          (e) => e.path === '/metrics' && w.containers.some((c) => (c.ports ?? []).some((p) => p.name === e.port)),
        ),
    );
  return cluster.workloads
    .filter((w) => ['runner', 'auth', 'sync', 'web'].includes(w.component) !== seen(w))
    .map((w) => `${w.name} is ${seen(w) ? '' : 'not '}watched`);
};
// The blackbox exporter is asked as deploy/prometheus has it: the same jobs, modules and labels, through each Service and
// for each pod, always at one address, whose pods the network policies let in.
function relabelled(labels, relabelings) {
  const out = { ...labels };
  for (const { sourceLabels = [], regex = '(.*)', targetLabel, replacement = '$1' } of relabelings ?? []) {
    const match = sourceLabels
      .map((l) => out[l] ?? '')
      .join(';')
      .match(new RegExp(`^(?:${regex})$`));
    if (match) out[targetLabel] = replacement.replace(/\$(\d)/g, (_, n) => match[n] ?? '');
  }
  return out;
}
// What Prometheus asks the exporter for: [{url, job, target, module, exporter}].
function probes_of(cluster) {
  const by_url = cluster.of('Probe').flatMap(({ spec }) =>
    spec.targets.staticConfig.static.map((url) => ({
      ...relabelled({ __param_target: url }, spec.targets.staticConfig.relabelingConfigs),
      job: spec.jobName,
      module: spec.module,
      exporter: spec.prober.url,
    })),
  );
  const of_pods = cluster.of('PodMonitor').flatMap(({ spec }) =>
    spec.podMetricsEndpoints
      .filter((e) => e.path === '/probe')
      .flatMap((e) =>
        cluster.workloads
          .filter((w) => selects(spec.selector, w.labels))
          .flatMap((w) => w.containers.flatMap((c) => (c.ports ?? []).map((p) => [w, p])))
          .filter(([, port]) => port.name === e.port)
          .map(([w, port]) => {
            const component = { __meta_kubernetes_pod_label_app_kubernetes_io_component: w.component };
            const seen = relabelled({ __address__: `pod:${port.containerPort}`, ...component }, e.relabelings);
            return { ...seen, module: e.params?.module?.[0], exporter: seen.__address__ };
          }),
      ),
  );
  return [...by_url, ...of_pods].map(({ __param_target: url, ...rest }) => ({ url, ...rest }));
}
const probed = (cluster, facts) => {
  const probes = probes_of(cluster);
  const port = (name) => cluster.named('Service', `mana-ai-${name}`)?.spec.ports[0].port;
  const host = cluster.of('Ingress')[0]?.spec.rules[0].host;
  const wanted = [
    ...['runner', 'auth', 'sync', 'web'].flatMap((name) => [
      `blackbox-internal ${name} http://mana-ai-${name}.${cluster.namespace}.svc:${port(name)}/health`,
      `blackbox-ready ${name} http://pod:3067/ready`,
    ]),
    ...(facts.overlay === 'prod' ? [`blackbox-public - https://${host}/`] : []),
  ];
  const found = probes.map((p) => `${p.job} ${p.target ?? '-'} ${p.url}`);
  const exporters = [...new Set(probes.map((p) => p.exporter))];
  const lets_in = cluster
    .named('NetworkPolicy', 'from-blackbox-exporter')
    ?.spec.ingress[0].from[0].namespaceSelector?.matchLabels['kubernetes.io/metadata.name'];
  return [
    ...wanted.filter((w) => !found.includes(w)).map((w) => `nobody asks ${w}`),
    ...found.filter((f) => !wanted.includes(f)).map((f) => `asks ${f}`),
    ...probes
      .filter((p) => p.module === undefined || p.module !== facts.probe_modules[p.job])
      .map((p) => `${p.job} asks by the module ${p.module}`),
    ...(exporters.length === 1 ? [] : [`the exporter is at ${exporters.join(', ')}`]),
    ...exporters
      .filter((e) => e.split('.')[1] !== lets_in)
      .map((e) => `pods in ${lets_in} are let in, and ${e} is elsewhere`),
  ];
};
const migrates = (cluster) =>
  cluster.of('Job').filter((j) => j.spec.template.spec.containers.some((c) => c.args?.[0] === 'migrate')).length === 1
    ? []
    : ['there is not one Job that migrates'];

export const rules = {
  'non-root': non_root,
  'no-privilege': no_privilege,
  seccomp,
  'read-only-root': read_only_root,
  resources,
  probes,
  termination,
  'service-accounts': service_accounts,
  images,
  'no-plain-secrets': no_plain_secrets,
  'keys-where-they-belong': keys_where_they_belong,
  'secret-files-are-mounted': secret_files_are_mounted,
  'network-flows': network_flows,
  'namespace-labels': namespace_labels,
  references,
  services,
  'disruption-budgets': disruption_budgets,
  spread,
  scaling,
  ingress,
  monitored,
  probed,
  migrates,
};
