// What is planted for the rules of policy.mjs.
import { test_rules } from '../planted.mjs';
import { Cluster } from './cluster.mjs';
import { rules } from './policy.mjs';

const of = (objects, kind, name) =>
  objects.find((o) => o.kind === kind && (name === undefined || o.metadata.name === name));
const pod = (objects, component) =>
  of(objects, component === 'migration' ? 'Job' : 'Deployment', `mana-ai-${component}`).spec.template.spec;
const container = (objects, component) => pod(objects, component).containers[0];
const settings = (objects, part = '') =>
  objects.find((o) => o.kind === 'ConfigMap' && o.metadata.name.startsWith(`mana-ai-${part}settings`)).data;
const policy = (objects, name) => of(objects, 'NetworkPolicy', name).spec;
const probe = (objects, name) => of(objects, 'Probe', `mana-ai-${name}`).spec;
const asks_pods = (objects) => of(objects, 'PodMonitor').spec.podMetricsEndpoints.find((e) => e.path === '/probe');
const remove = (objects, kind, name) => objects.splice(objects.indexOf(of(objects, kind, name)), 1);
const paths = (objects) => of(objects, 'Ingress').spec.rules[0].http.paths;

// rule → plants, each into a fresh copy of the `prod` overlay.
const plants = {
  'non-root': [
    (o) => {
      delete pod(o, 'web').securityContext.runAsNonRoot;
    },
    (o) => {
      pod(o, 'sync').securityContext.runAsUser = 0;
    },
    (o) => {
      container(o, 'auth').securityContext.runAsNonRoot = false;
    },
  ],
  'no-privilege': [
    (o) => {
      container(o, 'runner').securityContext.privileged = true;
    },
    (o) => {
      delete container(o, 'runner').securityContext.allowPrivilegeEscalation;
    },
    (o) => {
      container(o, 'migration').securityContext.capabilities.drop = ['NET_RAW'];
    },
    (o) => {
      container(o, 'runner').securityContext.capabilities.add = ['IPC_LOCK'];
    },
    (o) => {
      pod(o, 'web').hostNetwork = true;
    },
    (o) => {
      container(o, 'web').ports[0].hostPort = 80;
    },
    (o) => {
      pod(o, 'auth').volumes.push({ name: 'host', hostPath: { path: '/' } });
    },
    (o) => {
      pod(o, 'web').initContainers = [{ name: 'first', image: 'mana-ai:0.1.0', securityContext: { privileged: true } }];
    },
  ],
  seccomp: [
    (o) => {
      pod(o, 'runner').securityContext.seccompProfile.type = 'Unconfined';
    },
  ],
  'read-only-root': [
    (o) => {
      delete container(o, 'sync').securityContext.readOnlyRootFilesystem;
    },
  ],
  resources: [
    (o) => {
      delete container(o, 'runner').resources.limits;
    },
    (o) => {
      delete container(o, 'runner').resources.requests.cpu;
    },
    (o) => {
      delete container(o, 'migration').resources.requests.memory;
    },
  ],
  probes: [
    (o) => {
      delete container(o, 'web').startupProbe;
    },
    (o) => {
      delete container(o, 'auth').livenessProbe;
    },
    (o) => {
      delete container(o, 'sync').readinessProbe;
    },
    (o) => {
      container(o, 'runner').livenessProbe.httpGet.path = '/ready';
    },
    (o) => {
      container(o, 'runner').readinessProbe.httpGet.path = '/health';
    },
  ],
  termination: [
    (o) => {
      delete container(o, 'sync').lifecycle;
    },
    (o) => {
      pod(o, 'runner').terminationGracePeriodSeconds = 30;
    },
    (o) => {
      delete pod(o, 'runner').terminationGracePeriodSeconds;
    },
    (o) => {
      settings(o, 'runner-').SHUTDOWN_GRACE_MS = '60000';
    },
    (o) => {
      settings(o).SHUTDOWN_DELAY_MS = '20000';
    },
    (o) => {
      container(o, 'web').lifecycle.preStop.sleep.seconds = 15;
    },
  ],
  'service-accounts': [
    (o) => {
      pod(o, 'web').automountServiceAccountToken = true;
    },
    (o) => {
      delete of(o, 'ServiceAccount', 'mana-ai-web').automountServiceAccountToken;
    },
    (o) => {
      pod(o, 'web').serviceAccountName = 'mana-ai-runner';
    },
    (o) => {
      pod(o, 'web').serviceAccountName = 'default';
    },
    (o) => {
      delete pod(o, 'auth').enableServiceLinks;
    },
  ],
  images: [
    (o) => {
      container(o, 'web').image = 'registry.example.org/mana/mana-ai:latest';
    },
    (o) => {
      container(o, 'web').image = 'registry.example.org:5000/mana/mana-ai';
    },
    (o) => {
      container(o, 'web').image = 'registry.example.org/mana/mana-ai:main';
    },
  ],
  'no-plain-secrets': [
    (o) => {
      o.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'planted', namespace: 'mana-ai' }, stringData: {} });
    },
    (o) => {
      settings(o, 'runner-').MANA_SERVICE_KEY = 'a-key-for-all-services';
    },
    (o) => {
      settings(o).SOME_URL = 'postgresql://mana_ai_runner:geheim@host/db';
    },
    (o) => {
      container(o, 'runner').env.push({ name: 'MANA_LLM_API_KEY', value: 'sk-1' });
    },
    (o) => {
      container(o, 'auth').env.push({ name: 'ANY', value: '-----BEGIN PRIVATE KEY-----\nMC4' });
    },
    (o) => {
      container(o, 'auth').env.push({ name: 'ANY', value: `v1:${'A'.repeat(43)}=` });
    },
    (o) => {
      container(o, 'runner').env.push({
        name: 'ANY',
        valueFrom: { secretKeyRef: { name: 'mana-ai-runner', key: 'service-key' } },
      });
    },
    (o) => {
      container(o, 'migration').args.push('postgresql://owner:geheim@host/db');
    },
  ],
  'keys-where-they-belong': [
    (o) => {
      pod(o, 'auth').volumes.push({
        name: 'planted',
        secret: { secretName: 'mana-ai-runner-key', defaultMode: 0o440 },
      });
    },
    (o) => {
      pod(o, 'runner').volumes.push({
        name: 'planted',
        secret: { secretName: 'mana-ai-auth-kek', defaultMode: 0o440 },
      });
    },
    (o) => {
      pod(o, 'sync').volumes.push({
        name: 'planted',
        projected: { sources: [{ secret: { name: 'mana-ai-runner-key' } }] },
      });
    },
    (o) => {
      container(o, 'web').envFrom.push({ secretRef: { name: 'mana-ai-sync' } });
    },
    (o) => {
      container(o, 'auth').env.push({ name: 'MANA_AI_PRIVATE_KEY_PEM_FILE', value: '/run/secrets/mana-ai/x' });
    },
    (o) => {
      container(o, 'runner').env.push({ name: 'MANA_AUTH_KEK_FILE', value: '/run/secrets/mana-ai/x' });
    },
    (o) => {
      settings(o).MIGRATION_DATABASE_URL_FILE = '/run/secrets/mana-ai/x';
    },
    (o) => {
      delete pod(o, 'runner').volumes[0].secret.defaultMode;
    },
  ],
  'secret-files-are-mounted': [
    (o) => {
      container(o, 'sync').volumeMounts = [];
    },
    (o) => {
      container(o, 'runner').env.push({ name: 'LISTEN_DATABASE_URL_FILE', value: '/run/secrets/elsewhere/url' });
    },
  ],
  'network-flows': [
    (o) => {
      remove(o, 'NetworkPolicy', 'default-deny');
    },
    (o) => {
      policy(o, 'default-deny').policyTypes = ['Ingress'];
    },
    (o) => {
      remove(o, 'NetworkPolicy', 'dns');
    },
    (o) => {
      remove(o, 'NetworkPolicy', 'auth-for-services');
    },
    (o) => {
      remove(o, 'NetworkPolicy', 'to-auth');
    },
    (o) => {
      remove(o, 'NetworkPolicy', 'from-prometheus');
    },
    (o) => {
      remove(o, 'NetworkPolicy', 'from-blackbox-exporter');
    },
    (o) => {
      delete policy(o, 'from-blackbox-exporter').ingress[0].from[0].podSelector;
    },
    (o) => {
      policy(o, 'from-blackbox-exporter').podSelector = {};
    },
    (o) => {
      policy(o, 'to-postgres').podSelector = {};
    },
    (o) => {
      delete policy(o, 'to-postgres').egress[0].ports;
    },
    (o) => {
      delete policy(o, 'to-llm').egress[0].to[0].ipBlock.except;
    },
    (o) => {
      policy(o, 'to-llm').egress[0].ports.push({ protocol: 'TCP', port: 80 });
    },
    (o) => {
      policy(o, 'to-llm').podSelector.matchLabels['app.kubernetes.io/component'] = 'auth';
    },
    (o) => {
      delete policy(o, 'from-ingress-controller').ingress[0].from;
    },
    (o) => {
      delete policy(o, 'from-prometheus').ingress[0].from[0].podSelector;
    },
    (o) => {
      policy(o, 'from-prometheus').ingress[0].from.push({ namespaceSelector: {} });
    },
    (o) => {
      policy(o, 'auth-for-services').ingress[0].from = [{ namespaceSelector: {} }];
    },
  ],
  'namespace-labels': [
    (o) => {
      of(o, 'Namespace').metadata.labels['pod-security.kubernetes.io/enforce'] = 'baseline';
    },
    (o) => {
      remove(o, 'Namespace');
    },
    (o) => {
      of(o, 'Ingress').metadata.namespace = 'default';
    },
  ],
  references: [
    (o) => {
      container(o, 'web').envFrom.push({ configMapRef: { name: 'mana-ai-forgotten' } });
    },
  ],
  services: [
    (o) => {
      of(o, 'Service', 'mana-ai-web').spec.selector['app.kubernetes.io/component'] = 'wbe';
    },
    (o) => {
      of(o, 'Service', 'mana-ai-web').spec.selector = { 'app.kubernetes.io/name': 'mana-ai' };
    },
    (o) => {
      of(o, 'Service', 'mana-ai-auth').spec.ports[0].targetPort = 'https';
    },
    (o) => {
      of(o, 'Service', 'mana-ai-runner').spec.type = 'NodePort';
    },
  ],
  'disruption-budgets': [
    (o) => {
      remove(o, 'PodDisruptionBudget', 'mana-ai-sync');
    },
    (o) => {
      of(o, 'PodDisruptionBudget', 'mana-ai-auth').spec.maxUnavailable = 0;
    },
    (o) => {
      of(o, 'PodDisruptionBudget', 'mana-ai-web').spec.selector.matchLabels['app.kubernetes.io/component'] = 'runner';
    },
  ],
  spread: [
    (o) => {
      pod(o, 'runner').topologySpreadConstraints.pop();
    },
    (o) => {
      pod(o, 'auth').topologySpreadConstraints[0].labelSelector.matchLabels = { app: 'other' };
    },
  ],
  scaling: [
    (o) => {
      remove(o, 'ScaledObject');
    },
    (o) => {
      remove(o, 'HorizontalPodAutoscaler', 'mana-ai-web');
    },
    (o) => {
      of(o, 'HorizontalPodAutoscaler', 'mana-ai-auth').spec.scaleTargetRef.name = 'mana-ai-runner';
    },
    (o) => {
      of(o, 'Deployment', 'mana-ai-runner').spec.replicas = 2;
    },
    (o) => {
      of(o, 'ScaledObject').spec.minReplicaCount = 0;
    },
    (o) => {
      of(o, 'ScaledObject').spec.triggers[0].metadata.query = 'max(mana_ai_oldest_age_seconds)';
    },
  ],
  ingress: [
    (o) => {
      delete of(o, 'Ingress').spec.tls;
    },
    (o) => {
      of(o, 'Ingress').spec.rules.push(structuredClone(of(o, 'Ingress').spec.rules[0]));
    },
    (o) => {
      delete of(o, 'Ingress').spec.rules[0].host;
    },
    (o) => {
      paths(o).push({
        path: '/internal',
        pathType: 'Prefix',
        backend: { service: { name: 'mana-ai-runner', port: { name: 'http' } } },
      });
    },
    (o) => {
      paths(o).splice(
        paths(o).findIndex((p) => p.path === '/metrics'),
        1,
      );
    },
    (o) => {
      paths(o).splice(
        paths(o).findIndex((p) => p.path === '/ws'),
        1,
      );
    },
    (o) => {
      paths(o)[0].backend.service.name = 'mana-ai-login';
    },
  ],
  monitored: [
    (o) => {
      of(o, 'PodMonitor').spec.podMetricsEndpoints[0].port = 'metrics';
    },
    (o) => {
      of(o, 'PodMonitor').spec.selector.matchExpressions[0].values.pop();
    },
  ],
  probed: [
    (o) => {
      remove(o, 'Probe', 'mana-ai-internal');
    },
    (o) => {
      probe(o, 'internal').targets.staticConfig.static.pop();
    },
    (o) => {
      probe(o, 'internal').targets.staticConfig.static[0] = 'http://mana-ai-runner.elsewhere.svc:3067/health';
    },
    (o) => {
      probe(o, 'internal').targets.staticConfig.static[0] = 'http://mana-ai-runner.mana-ai.svc:3067/ready';
    },
    (o) => {
      of(o, 'Service', 'mana-ai-sync').spec.ports[0].port = 80;
    },
    (o) => {
      probe(o, 'internal').targets.staticConfig.relabelingConfigs.pop();
    },
    (o) => {
      probe(o, 'internal').jobName = 'blackbox-health';
    },
    (o) => {
      probe(o, 'internal').module = 'http_2xx';
    },
    (o) => {
      delete probe(o, 'public').module;
    },
    (o) => {
      probe(o, 'public').targets.staticConfig.static[0] = 'https://mana.elsewhere.org/';
    },
    (o) => {
      probe(o, 'public').prober.url = 'blackbox.monitoring.svc:9115';
    },
    (o) => {
      of(o, 'PodMonitor').spec.podMetricsEndpoints.pop();
    },
    (o) => {
      asks_pods(o).relabelings.pop();
    },
    (o) => {
      asks_pods(o).relabelings[0].replacement = 'http://$1/health';
    },
    (o) => {
      asks_pods(o).relabelings.splice(2, 1);
    },
    (o) => {
      asks_pods(o).params.module = ['health'];
    },
    (o) => {
      of(o, 'PodMonitor').spec.selector.matchExpressions[0].values.pop();
    },
    (o) => {
      policy(o, 'from-blackbox-exporter').ingress[0].from[0].namespaceSelector.matchLabels = {
        'kubernetes.io/metadata.name': 'observability',
      };
    },
  ],
  migrates: [
    (o) => {
      remove(o, 'Job');
    },
  ],
};

export const test_policy = (objects, facts) =>
  test_rules(rules, plants, (rule, plant) => {
    const copy = structuredClone(objects);
    plant?.(copy);
    return rule(new Cluster(copy), facts);
  });
