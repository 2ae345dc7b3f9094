// What the manifests of an overlay amount to, for the rules in policy.mjs.

export const workload_kinds = ['Deployment', 'StatefulSet', 'Job'];

export class Cluster {
  constructor(objects) {
    this.objects = objects;
    this.namespace = this.of('Namespace')[0]?.metadata.name;
  }
  of(kind) {
    return this.objects.filter((o) => o.kind === kind);
  }
  named(kind, name) {
    return this.of(kind).find((o) => o.metadata.name === name);
  }
  get workloads() {
    return this.objects.filter((o) => workload_kinds.includes(o.kind)).map((o) => new Workload(o, this));
  }
  workload(component) {
    return this.workloads.find((w) => w.component === component);
  }
}

export class Workload {
  constructor(object, cluster) {
    this.object = object;
    this.cluster = cluster;
    this.kind = object.kind;
    this.name = object.metadata.name;
    this.template = object.spec.template;
    this.pod = object.spec.template.spec;
    this.labels = object.spec.template.metadata.labels ?? {};
    this.component = this.labels['app.kubernetes.io/component'];
  }
  get containers() {
    return [...(this.pod.initContainers ?? []), ...this.pod.containers];
  }
  get is_ours() {
    return this.labels['app.kubernetes.io/name'] === 'mana-ai';
  }
  // Settings of a container as the process gets them; fields of the pod become `<field>`.
  environment(container) {
    const out = {};
    for (const { configMapRef } of container.envFrom ?? [])
      Object.assign(out, this.cluster.named('ConfigMap', configMapRef?.name)?.data);
    for (const { name, value, valueFrom } of container.env ?? [])
      out[name] = value ?? `<${Object.keys(valueFrom ?? {})[0] ?? ''}>`;
    return out;
  }
  // Secrets by where they are: [{path, secret, key}], key null for all of a Secret.
  mounted_secrets(container) {
    const found = [];
    for (const volume of this.pod.volumes ?? []) {
      const mount = (container.volumeMounts ?? []).find((m) => m.name === volume.name);
      const sources = volume.secret
        ? [{ name: volume.secret.secretName, items: volume.secret.items }]
        : (volume.projected?.sources ?? []).filter((s) => s.secret).map((s) => s.secret);
      for (const { name, items } of mount ? sources : [])
        for (const { key, path } of items ?? [{ key: null, path: null }])
          found.push({ path: path ? `${mount.mountPath}/${path}` : mount.mountPath, secret: name, key });
    }
    return found;
  }
  // All Secrets that anything of the pod refers to, mounted or not.
  get secrets() {
    const names = new Set();
    const walk = (value) => {
      if (value === null || typeof value !== 'object') return;
      if (value.secretKeyRef) names.add(value.secretKeyRef.name);
      if (value.secretRef) names.add(value.secretRef.name);
      if (value.secret) names.add(value.secret.secretName ?? value.secret.name);
      Object.values(value).forEach(walk);
    };
    walk(this.pod);
    return [...names];
  }
}

// Label selectors, as far as the manifests use them; an unknown operator is an error and no match.
export function selects(selector, labels) {
  const holds = {
    In: (e) => e.values.includes(labels[e.key]),
    NotIn: (e) => !e.values.includes(labels[e.key]),
    Exists: (e) => e.key in labels,
    DoesNotExist: (e) => !(e.key in labels),
  };
  return (
    Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector?.matchExpressions ?? []).every((e) => holds[e.operator](e))
  );
}

const number_of = (address) => address.split('.').reduce((n, part) => n * 256 + Number(part), 0);
function in_block(address, cidr) {
  const [base, bits] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number_of(address) / size) === Math.floor(number_of(base) / size);
}

// Ends of a connection are {namespace, labels} or {address}. What no policy selects is open, as in Kubernetes.
export function may_connect(cluster, from, to, { protocol, port }) {
  const is_peer = (peer, end) => {
    if (peer.ipBlock)
      return (
        end.address !== undefined &&
        in_block(end.address, peer.ipBlock.cidr) &&
        !(peer.ipBlock.except ?? []).some((cidr) => in_block(end.address, cidr))
      );
    if (end.address !== undefined) return false;
    const namespace_matches = peer.namespaceSelector
      ? selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': end.namespace })
      : end.namespace === cluster.namespace;
    return namespace_matches && (peer.podSelector === undefined || selects(peer.podSelector, end.labels));
  };
  const has_port = (ports) =>
    ports === undefined ||
    ports.some((p) => (p.protocol ?? 'TCP') === protocol && (p.port === undefined || p.port === port));
  const side_allows = (end, other, type, rules, peers) => {
    if (end.namespace !== cluster.namespace || end.address !== undefined) return true;
    const policies = cluster
      .of('NetworkPolicy')
      .filter((p) => p.spec.policyTypes.includes(type) && selects(p.spec.podSelector, end.labels));
    return (
      policies.length === 0 ||
      policies.some((p) =>
        (p.spec[rules] ?? []).some(
          (rule) =>
            has_port(rule.ports) && (rule[peers] === undefined || rule[peers].some((peer) => is_peer(peer, other))),
        ),
      )
    );
  };
  return side_allows(from, to, 'Egress', 'egress', 'to') && side_allows(to, from, 'Ingress', 'ingress', 'from');
}
