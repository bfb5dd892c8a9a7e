/** The manifests, without a cluster: every key is known, what they refer to is there, and the collector takes its options. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { variableOf } from '../../src/config/option.ts';
import { optionsIn } from '../../src/config/options.ts';
import { parseDurationMs } from '../../src/config/values.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { defaultOf, fromRoot, valuesOf } from './command-line.ts';
import { stagesOf } from './dockerfile.ts';
import { MANIFESTS } from './kubernetes-schema.ts';

const documents = parseAllDocuments(readFileSync(fromRoot('deploy/kubernetes/millrace.yaml'), 'utf8'));
const [namespace, configMap, deployment, service, budget] = MANIFESTS.parse(
  documents.map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  }),
);
const pod = deployment.spec.template.spec;
const [container] = pod.containers;
const file = configMap.data['millrace.yaml'];

test('all belong together', () => {
  for (const { metadata } of [configMap, deployment, service, budget])
    assert.equal(metadata.namespace, namespace.metadata.name);
  const { labels } = deployment.spec.template.metadata;
  assert.deepEqual(deployment.spec.selector.matchLabels, labels);
  assert.deepEqual(service.spec.selector, labels);
  assert.deepEqual(budget.spec.selector.matchLabels, labels);
  const [{ labelSelector }] = pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  assert.deepEqual(labelSelector.matchLabels, labels);
  assert.ok(deployment.spec.replicas > budget.spec.maxUnavailable);
});

test('the image is that of this version, and its user the same', () => {
  const { version } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8')) as { version: string };
  assert.equal(container.image, `millrace:${version}`);
  const image = stagesOf('deploy/docker/Dockerfile').at(-1);
  const user = image?.find(({ name }) => name === 'USER')?.text;
  assert.equal(user, `${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`);
});

test('volumes that are mounted exist, and no other; config and secret are mounted where the options look', () => {
  const mounts = new Map(container.volumeMounts.map((mount) => [mount.name, mount]));
  assert.deepEqual([...mounts.keys()].sort(), pod.volumes.map(({ name }) => name).sort());
  const [flag, path] = container.args.slice(1);
  assert.equal(flag, '--config');
  assert.equal(path, `${mounts.get('config')?.mountPath}/millrace.yaml`);
  const [references] = pod.volumes.flatMap((volume) => ('configMap' in volume ? [volume.configMap] : []));
  assert.equal(references.name, configMap.metadata.name);
  const [secret] = pod.volumes.flatMap((volume) => ('secret' in volume ? [volume.secret] : []));
  const { 'http-token-file': tokenFile } = parse(file) as Record<string, string>;
  assert.equal(tokenFile, `${mounts.get('secret')?.mountPath}/${secret.items[0].path}`);
  for (const { valueFrom } of container.env) assert.equal(valueFrom.secretKeyRef.name, secret.secretName);
});

test('variables are options, and no service adds others', () => {
  const known = optionsIn('environment').map(variableOf);
  for (const { name } of container.env) assert.ok(known.includes(name), name);
  assert.equal(pod.enableServiceLinks, false);
});

test('probes and service name ports of the container, which are those of the options', () => {
  const ports = new Map(container.ports.map((port) => [port.name, port]));
  for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe])
    assert.equal(httpGet.port, 'http');
  assert.equal(container.readinessProbe.httpGet.path, '/ready');
  assert.equal(container.livenessProbe.httpGet.path, '/health');
  const { listen, http } = parse(file) as Record<string, string>;
  const portOf = (uri: string): number => Number(/:(\d+)$/.exec(uri)?.[1]);
  assert.deepEqual(
    [ports.get('flows')?.containerPort, ports.get('flows')?.protocol],
    [portOf(listen), 'UDP'],
  );
  assert.deepEqual([ports.get('http')?.containerPort, ports.get('http')?.protocol], [portOf(http), 'TCP']);
  assert.equal(portOf(listen), portOf(defaultOf('listen')));
  for (const { targetPort, port, protocol } of service.spec.ports) {
    assert.equal(ports.get(targetPort)?.containerPort, port);
    assert.equal(ports.get(targetPort)?.protocol, protocol);
  }
});

test('there is more time to end than draining takes, and to notice that one ends', () => {
  const { 'drain-grace': grace } = parse(file) as Record<string, string>;
  const graceMs = parseDurationMs(grace)!;
  const drainMs = parseDurationMs(defaultOf('drain-timeout'))!;
  assert.ok(pod.terminationGracePeriodSeconds * 1000 > graceMs + drainMs);
  const { periodSeconds, failureThreshold } = container.readinessProbe;
  assert.ok(graceMs > periodSeconds * failureThreshold * 1000);
});

test('the collector takes the file, and writes only where a volume is', async () => {
  const path = join(temporaryDirectory(), 'millrace.yaml');
  writeFileSync(path, file);
  const values = await valuesOf(['collect', '--config', path], {
    MILLRACE_TEMPLATES: 'redis://user:password@redis:6379/0?fleet=lab',
  });
  const mounted = container.volumeMounts.map(({ mountPath }) => `file://${mountPath}/`);
  for (const uri of values.output)
    assert.ok(
      mounted.some((start) => uri.startsWith(start)),
      uri,
    );
  assert.equal(container.args[0], 'collect');
});
