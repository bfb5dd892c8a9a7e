/** The fleet of deploy/compose.yaml, without docker: what its files say of each other, and its commands by the real parser. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseDurationMs } from '../../src/config/values.ts';
import { configured, defaultOf, fromRoot, valuesOf } from './command-line.ts';

interface Service {
  stop_grace_period?: string;
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  volumes?: string[];
  ports?: string[];
  depends_on?: string[] | Record<string, unknown>;
}
const read = (path: string): unknown => parse(readFileSync(fromRoot(path), 'utf8'), { merge: true });
const { services, volumes: named } = read('deploy/compose.yaml') as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const collectors = Object.keys(services).filter((name) => name.startsWith('collector-'));

test('three collectors, a balancer, Redis, Prometheus, Grafana and a generator', () => {
  assert.equal(collectors.length, 3);
  const others = ['balancer', 'generator', 'grafana', 'prometheus', 'redis'];
  assert.deepEqual(Object.keys(services).sort(), [...others, ...collectors].sort());
  for (const [name, { image, depends_on = [] }] of Object.entries(services)) {
    assert.match(image, /^millrace$|^[\w/-]+:v?\d[\w.-]+$/, `${name}: a version`);
    const needs = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
    for (const needed of needs) assert.ok(needed in services, `${name} needs ${needed}`);
  }
});

test('everything that is mounted or built from is there', () => {
  for (const [name, { volumes = [], build }] of Object.entries(services)) {
    for (const volume of volumes) {
      const [source, target] = volume.split(':');
      if (!source.startsWith('.')) assert.ok(source in named, `${name}: ${source}`);
      else assert.ok(existsSync(fromRoot(posix.join('deploy', source))), `${name}: ${source}`);
      assert.ok(target.startsWith('/'), volume);
    }
    if (build === undefined) continue;
    assert.ok(statSync(fromRoot(posix.join('deploy', build.context, build.dockerfile))).isFile());
  }
});

test('collectors take their command line, and meet in one fleet', async () => {
  const uris = new Set<string | undefined>();
  for (const name of collectors) {
    const { command: words = [], stop_grace_period = '' } = services[name];
    assert.ok(parseDurationMs(stop_grace_period)! > parseDurationMs(defaultOf('drain-timeout'))!);
    assert.equal(words[0], 'collect');
    const values = await valuesOf(['collect', ...words.slice(1)]);
    assert.ok(values.output.every((uri) => uri.startsWith('file:///var/flows/')));
    uris.add(values.templateStore);
  }
  assert.equal(uris.size, 1);
  const [uri] = uris;
  assert.ok(new URL(uri!).hostname in services, uri);
});

test('the generator sends to the port of the balancer', async () => {
  const { command = [] } = services['generator'];
  const { settings } = await configured(command);
  assert.deepEqual(settings.get('to')?.texts, ['balancer:2055']);
  assert.deepEqual(services['balancer'].ports, ['2055:2055/udp']);
});

test('the balancer knows the collectors, and spreads datagrams whoever sends them', () => {
  const text = readFileSync(fromRoot('deploy/compose/nginx.conf'), 'utf8').replace(/#.*$/gm, '');
  const port = /:(\d+)$/.exec(defaultOf('listen'))?.[1];
  const servers = [...text.matchAll(/\bserver (\S+):(\d+) /g)].map(([, host, at]) => [host, at]);
  assert.deepEqual(
    servers,
    collectors.map((name) => [name, port]),
  );
  assert.match(text, /\blisten 2055 udp\b/);
  assert.match(text, /\bproxy_requests 1;/);
  assert.doesNotMatch(text, /\bhash\b/);
});

test('Prometheus asks every collector and has the alerts; Grafana finds Prometheus and the dashboard', () => {
  const { rule_files, scrape_configs } = read('deploy/compose/prometheus.yaml') as {
    rule_files: string[];
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  // The alerts ask for this name.
  assert.deepEqual(
    scrape_configs.map(({ job_name }) => job_name),
    ['millrace'],
  );
  assert.deepEqual(
    scrape_configs[0].static_configs[0].targets,
    collectors.map((name) => `${name}:8080`),
  );
  const mounts = (name: string) => (services[name].volumes ?? []).map((volume) => volume.split(':')[1]);
  for (const file of rule_files) assert.ok(mounts('prometheus').includes(file), file);
  const { datasources } = read('deploy/compose/grafana-datasource.yaml') as {
    datasources: { url: string }[];
  };
  assert.ok(new URL(datasources[0].url).hostname in services);
  const { providers } = read('deploy/compose/grafana-dashboards.yaml') as {
    providers: { options: { path: string } }[];
  };
  assert.ok(mounts('grafana').includes(providers[0].options.path));
});
