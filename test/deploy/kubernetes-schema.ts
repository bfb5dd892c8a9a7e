/**
 * The part of the Kubernetes API that deploy/kubernetes uses. Strict: a key that is not here is an error, because a cluster
 * would refuse it or, worse, ignore it.
 */
import { z } from 'zod';

const labels = z.strictObject({ 'app.kubernetes.io/name': z.string() });
const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const metadata = z.strictObject({ name, namespace: name, labels });
const selector = z.strictObject({ matchLabels: labels });
const protocol = z.enum(['UDP', 'TCP']);
const quantity = z.string().regex(/^\d+(\.\d+)?(m|Ki|Mi|Gi)?$/);
const positive = z.int().positive();

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.enum(['/health', '/ready']), port: z.string() }),
  periodSeconds: positive,
  timeoutSeconds: positive.optional(),
  failureThreshold: positive,
});

const container = z.strictObject({
  name,
  image: z.string().regex(/^millrace:\d+\.\d+\.\d+$/),
  args: z.array(z.string()).min(1),
  env: z.array(
    z.strictObject({
      name: z.string(),
      valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name, key: z.string() }) }),
    }),
  ),
  ports: z.array(z.strictObject({ name, containerPort: positive, protocol })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: quantity, memory: quantity }),
    // No limit of CPU: a collector that is held back loses datagrams.
    limits: z.strictObject({ memory: quantity }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(
    z.strictObject({ name, mountPath: z.string().startsWith('/'), readOnly: z.literal(true).optional() }),
  ),
});

const volume = z.union([
  z.strictObject({ name, configMap: z.strictObject({ name }) }),
  z.strictObject({
    name,
    secret: z.strictObject({
      secretName: name,
      items: z.array(z.strictObject({ key: z.string(), path: z.string() })),
    }),
  }),
  z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity.optional() }) }),
]);

const pod = z.strictObject({
  hostNetwork: z.literal(true),
  dnsPolicy: z.literal('ClusterFirstWithHostNet'),
  enableServiceLinks: z.literal(false),
  automountServiceAccountToken: z.literal(false),
  terminationGracePeriodSeconds: positive,
  affinity: z.strictObject({
    podAntiAffinity: z.strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z.tuple([
        z.strictObject({ topologyKey: z.literal('kubernetes.io/hostname'), labelSelector: selector }),
      ]),
    }),
  }),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: positive,
    runAsGroup: positive,
    fsGroup: positive,
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([container]),
  volumes: z.array(volume),
});

export const MANIFESTS = z.tuple([
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Namespace'),
    metadata: z.strictObject({ name }),
  }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('ConfigMap'),
    metadata,
    data: z.strictObject({ 'millrace.yaml': z.string() }),
  }),
  z.strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('Deployment'),
    metadata,
    spec: z.strictObject({
      replicas: positive,
      selector,
      strategy: z.strictObject({
        type: z.literal('RollingUpdate'),
        rollingUpdate: z.strictObject({ maxSurge: z.literal(0), maxUnavailable: z.literal(1) }),
      }),
      template: z.strictObject({ metadata: z.strictObject({ labels }), spec: pod }),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Service'),
    metadata,
    spec: z.strictObject({
      type: z.literal('LoadBalancer'),
      externalTrafficPolicy: z.literal('Local'),
      selector: labels,
      ports: z.array(z.strictObject({ name, port: positive, targetPort: z.string(), protocol })),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('policy/v1'),
    kind: z.literal('PodDisruptionBudget'),
    metadata,
    spec: z.strictObject({ maxUnavailable: z.literal(1), selector }),
  }),
]);
