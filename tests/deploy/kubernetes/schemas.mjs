// Strict schemas of the kinds that the manifests use, from the published types of the Kubernetes API (and of the
// Prometheus operator's and KEDA's): unknown fields are errors. The packages' own validators know what types cannot
// say, such as whole numbers and formats.
import fs from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const modules = {
  ConfigMap: 'kubernetes-models/v1',
  Deployment: 'kubernetes-models/apps/v1',
  HorizontalPodAutoscaler: 'kubernetes-models/autoscaling/v2',
  Ingress: 'kubernetes-models/networking.k8s.io/v1',
  Job: 'kubernetes-models/batch/v1',
  Namespace: 'kubernetes-models/v1',
  NetworkPolicy: 'kubernetes-models/networking.k8s.io/v1',
  PodDisruptionBudget: 'kubernetes-models/policy/v1',
  PodMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
  Probe: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
  ScaledObject: '@kubernetes-models/keda/keda.sh/v1alpha1',
  Secret: 'kubernetes-models/v1',
  Service: 'kubernetes-models/v1',
  ServiceAccount: 'kubernetes-models/v1',
  StatefulSet: 'kubernetes-models/apps/v1',
};

// By kind. Making them takes seconds, so they are kept beside the packages, which a new lock file replaces.
function schemas(packages) {
  const dir = path.join(packages, '.schemas');
  const kept = path.join(dir, 'schemas.json');
  const types = Object.entries(modules)
    .map(([kind, module]) => `import type { I${kind} } from '${module}/${kind}';\nexport type ${kind} = I${kind};\n`)
    .join('');
  const source = path.join(dir, 'api.ts');
  if (fs.existsSync(kept) && fs.readFileSync(source, 'utf8') === types)
    return JSON.parse(fs.readFileSync(kept, 'utf8'));
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(source, types);
  const tsconfig = path.join(dir, 'tsconfig.json');
  const compilerOptions = {
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2022',
    strict: true,
    types: [],
  };
  fs.writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: ['api.ts'] }));
  const generator = createGenerator({
    path: source,
    tsconfig,
    type: '*',
    skipTypeCheck: true,
    expose: 'export',
    jsDoc: 'none',
    additionalProperties: false,
  });
  // Each by itself: a definition is known by its name alone, and Probe is a kind here and a part of containers there.
  const made = Object.fromEntries(Object.keys(modules).map((kind) => [kind, generator.createSchema(kind)]));
  fs.writeFileSync(kept, JSON.stringify(made));
  return made;
}

// A function that tells what is wrong with an object: texts, none when it is right.
export async function validator(packages) {
  const ajv = new Ajv({ allErrors: true, strict: false, schemas: schemas(packages) });
  const classes = {};
  for (const [kind, module] of Object.entries(modules)) classes[kind] = (await import(`${module}/${kind}`))[kind];
  const told = (e) =>
    `${e.instancePath || '/'} ${e.message}${e.params?.additionalProperty ? `: ${e.params.additionalProperty}` : ''}`;
  return (object) => {
    if (!classes[object.kind]) return [`there is no schema for ${object.apiVersion} ${object.kind}`];
    const matches = ajv.getSchema(object.kind);
    if (!matches(object)) return matches.errors.map(told);
    try {
      new classes[object.kind](structuredClone(object)).validate();
      return [];
    } catch (e) {
      return e.errors?.map(told) ?? [e.message];
    }
  };
}
