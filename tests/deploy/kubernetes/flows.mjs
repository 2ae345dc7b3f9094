// Who may talk to whom: exactly what is listed, and nothing else that can be asked for among all ends and ports below.
import { may_connect } from './cluster.mjs';

const http = { protocol: 'TCP', port: 3067 };
const postgresql = { protocol: 'TCP', port: 5432 };
const https = { protocol: 'TCP', port: 443 };
const dns = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
];
const ports = [
  http,
  postgresql,
  https,
  ...dns,
  { protocol: 'TCP', port: 22 },
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 6443 },
];

// Ends outside the namespace.
const outside = {
  'ingress controller': { namespace: 'traefik', labels: { 'app.kubernetes.io/name': 'traefik' } },
  Prometheus: { namespace: 'monitoring', labels: { 'app.kubernetes.io/name': 'prometheus' } },
  'blackbox exporter': {
    namespace: 'monitoring',
    labels: { 'app.kubernetes.io/name': 'prometheus-blackbox-exporter' },
  },
  Grafana: { namespace: 'monitoring', labels: { 'app.kubernetes.io/name': 'grafana' } },
  DNS: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  PostgreSQL: { namespace: 'postgres', labels: { app: 'postgres' } },
  stranger: { namespace: 'default', labels: { 'app.kubernetes.io/component': 'runner' } },
  internet: { address: '203.0.113.7' },
  'private address': { address: '10.1.2.3' },
  'metadata service': { address: '169.254.169.254' },
};

function expected(overlay) {
  const database = overlay === 'dev' ? 'postgres' : 'PostgreSQL';
  const flows = [];
  const add = (from, to, ...over) => from.forEach((f) => to.forEach((t) => over.forEach((p) => flows.push([f, t, p]))));
  add(['ingress controller', 'Prometheus', 'blackbox exporter'], ['runner', 'auth', 'sync', 'web'], http);
  add(['runner', 'sync'], ['auth'], http);
  add(['runner', 'auth', 'sync', 'migration'], [database], postgresql);
  add(['runner', 'auth', 'sync', 'migration'], ['DNS'], ...dns);
  if (overlay === 'dev') add(['runner'], ['llm-standin'], http);
  else add(['runner'], ['internet'], https);
  return new Set(flows.map(told));
}
const told = ([from, to, { protocol, port }]) => `${from} → ${to}, ${protocol} ${port}`;

export function network_flows(cluster, facts) {
  const wanted = expected(facts.overlay);
  const ends = { ...outside };
  for (const w of cluster.workloads) ends[w.component] = { namespace: cluster.namespace, labels: w.labels };
  const inside = new Set(cluster.workloads.map((w) => w.component));
  const wrong = [];
  for (const [from, a] of Object.entries(ends))
    for (const [to, b] of Object.entries(ends)) {
      if (from === to || (!inside.has(from) && !inside.has(to))) continue;
      for (const port of ports) {
        const flow = told([from, to, port]);
        const open = may_connect(cluster, a, b, port);
        if (open !== wanted.has(flow)) wrong.push(`${open ? 'open' : 'closed'}: ${flow}`);
        wanted.delete(flow);
      }
    }
  return [...wrong, ...[...wanted].map((flow) => `nobody to try it: ${flow}`)];
}
