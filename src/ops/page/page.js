/** Asks the collector every two seconds and shows what changed. Whatever it is told is text, never markup. */
import { Chart, compact, percent } from './charts.js';

const INTERVAL_MS = 2000;
const PATIENCE_MS = 5000;
const EXPORTERS_SHOWN = 100;
const TOKEN_KEY = 'millrace-token';

const byId = (id) => document.getElementById(id);
const seconds = INTERVAL_MS / 1000;
const flowsChart = new Chart(
  byId('flows-chart'),
  'Flows per second',
  [{ name: 'flows', colour: 'water', area: true }],
  { seconds },
);
const datagramsChart = new Chart(
  byId('datagrams-chart'),
  'Datagrams per second',
  [{ name: 'datagrams', colour: 'water', area: true }],
  { seconds },
);
const lostChart = new Chart(
  byId('lost-chart'),
  'Lost per second',
  [
    { name: 'on the way', colour: 'amber' },
    { name: 'kernel', colour: 'red' },
    { name: 'refused', colour: 'violet' },
  ],
  { seconds },
);
const loadChart = new Chart(
  byId('load-chart'),
  'Load',
  [
    { name: 'workers', colour: 'water' },
    { name: 'main', colour: 'violet' },
    { name: 'ring', colour: 'amber' },
  ],
  { seconds, format: percent, top: 100 },
);

const charts = [flowsChart, datagramsChart, lostChart, loadChart];

/** The document before this one, to make rates of; null when that is too long ago. */
let before = null;
let paused = false;
let failures = 0;

function show(id, text, unit = '') {
  const element = byId(id);
  if (unit === '') {
    element.textContent = text;
    return;
  }
  const small = document.createElement('small');
  small.textContent = unit;
  element.replaceChildren(text, small);
}

/** Replaces the rows of a table. A cell is a text, or [text, class], or an element. */
function fill(id, rows, empty) {
  const body = byId(id);
  const made = rows.map((cells) => {
    const row = document.createElement('tr');
    for (const cell of cells) {
      const element = document.createElement('td');
      if (cell instanceof Element) element.append(cell);
      else {
        const [text, className] = Array.isArray(cell) ? cell : [cell, ''];
        element.textContent = text;
        element.className = className;
        if (className === 'long') element.title = text;
      }
      row.append(element);
    }
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement('tr');
    row.className = 'empty';
    const cell = document.createElement('td');
    cell.colSpan = 12;
    cell.textContent = empty;
    row.append(cell);
    made.push(row);
  }
  body.replaceChildren(...made);
}

const number = (text, ...classes) => [text, ['number', ...classes].join(' ')];
const orDash = (value, text = compact(value)) => (value ? number(text) : number('–', 'dim'));

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

function duration(s) {
  if (s < 0) return '0 s';
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172_800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

const sum = (list, value) => list.reduce((total, item) => total + value(item), 0);
/** What the charts show, from two samples; loss that was made good does not count below 0. */
function chartValues(earlier, later, workers) {
  const elapsed = (later.atMs - earlier.atMs) / 1000;
  const rate = (key) => Math.max(0, (later[key] - earlier[key]) / elapsed);
  return {
    flows: rate('records'),
    datagrams: rate('datagrams'),
    losses: [rate('lostOnTheWay'), rate('kernelDropped'), rate('refused')],
    load: [
      Math.min(100, (rate('workerBusySeconds') / workers) * 100),
      Math.min(100, rate('mainActiveSeconds') * 100),
      later.ringUsed * 100,
    ],
  };
}

function pushValues({ flows, datagrams, losses, load }) {
  flowsChart.push([flows]);
  datagramsChart.push([datagrams]);
  lostChart.push(losses);
  loadChart.push(load);
}

const NOTHING = { flows: Number.NaN, datagrams: Number.NaN, losses: [Number.NaN], load: [Number.NaN] };

/** Draws what happened before the page was opened, or while it was not looked at. */
function showHistory({ samples }, workers) {
  for (const chart of charts) chart.clear();
  for (let i = 1; i < samples.length; i++) pushValues(chartValues(samples[i - 1], samples[i], workers));
}

/** earlier: the sample to make rates of; null when there is none. */
function showStatus(status, earlier) {
  const { ledger, parts, sample } = status;
  const { counters } = ledger;
  const { workers, templates } = parts;
  const elapsed = before === null ? Number.NaN : (sample.atMs - before.sample.atMs) / 1000;
  /** Per second since the document before. */
  const rate = (value) =>
    before === null ? Number.NaN : Math.max(0, (value(status) - value(before)) / elapsed);
  const values = earlier === null ? NOTHING : chartValues(earlier, sample, workers.configured);
  if (earlier !== null) pushValues(values);

  show('flows-now', compact(values.flows), '/s');
  show('flows-total', `${compact(sample.records)} in ${duration(status.process.uptimeSeconds)}`);
  show('datagrams-now', compact(values.datagrams), '/s');
  show('datagrams-total', `${compact(sample.datagrams)} received`);
  const lost = sum(values.losses, (value) => value);
  show('lost-now', compact(lost), '/s');
  byId('lost-now').classList.toggle('alarm', lost > 0);
  show('lost-total', `${compact(sample.lostOnTheWay + sample.kernelDropped + sample.refused)} in all`);
  const waiting = templates.heldSets > 0 ? `, ${compact(templates.heldSets)} held` : '';
  show(
    'templates-now',
    `${compact(templates.templates)} ${templates.templates === 1 ? 'template' : 'templates'}${waiting}`,
  );
  show('workers-now', percent(values.load[0]), 'busy');
  show(
    'workers-alive',
    `${workers.alive} of ${workers.configured} alive${workers.lost > 0 ? `, ${workers.lost} replaced` : ''}`,
  );
  show('ring-now', percent(sample.ringUsed * 100), 'full');
  show('ring-slots', `${compact(sum(parts.receivers, ({ slots }) => slots))} slots`);

  showReceivers(parts.receivers, rate);
  showOutputs(status, rate);
  fill(
    'ledger-rows',
    Object.entries(counters)
      .filter(([, count]) => count !== 0)
      .map(([name, count]) => [
        name.replaceAll('_', ' '),
        number(count.toLocaleString('en')),
        orDash(rate((document) => document.ledger.counters[name])),
      ]),
    'Nothing was received yet.',
  );
  showState(status);
  document.title = earlier === null ? 'Millrace' : `${compact(values.flows)} flows/s – Millrace`;
  before = status;
}

function showReceivers(receivers, rate) {
  const rows = receivers.map(({ name, slots, slotsUsed, timesFull, bufferBytes }, i) => {
    const meter = document.createElement('meter');
    meter.max = slots;
    meter.high = slots * 0.8;
    meter.value = slotsUsed;
    meter.textContent = `${slotsUsed} of ${slots}`;
    meter.setAttribute('aria-label', 'slots in use');
    return [
      [name, 'long'],
      number(compact(rate((document) => document.parts.receivers[i]?.accepted ?? 0))),
      meter,
      timesFull > 0 ? number(compact(timesFull), 'alarm') : number('–', 'dim'),
      number(bytes(bufferBytes)),
    ];
  });
  fill('receiver-rows', rows, 'Not listening yet.');
}

function showOutputs({ ledger, parts }, rate) {
  const rows = ledger.outputs.map(({ output, written, dropped_queue_full, dropped_failed }) => {
    const dropped = dropped_queue_full + dropped_failed;
    // A reload may have taken it away.
    const open = parts.outputs.find(({ name }) => name === output);
    const state = open === undefined ? 'closed' : (open.trouble ?? 'works');
    const writtenBy = (document) =>
      document.ledger.outputs.find((other) => other.output === output)?.written ?? 0;
    return [
      [output, 'long'],
      number(compact(rate(writtenBy))),
      number(compact(written)),
      orDash(open?.queuedRecords ?? 0),
      dropped > 0 ? number(compact(dropped), 'alarm') : number('–', 'dim'),
      [state, open?.trouble ? 'long' : 'dim'],
    ];
  });
  fill('output-rows', rows, 'None.');
}

function showState({ ready, conditions, version, process }) {
  const reasons = conditions
    .filter(({ reason }) => reason !== null)
    .map(({ name, reason }) => `${name}: ${reason}`);
  setState([...(ready ? ['ready'] : []), ...reasons].join('; '), ready ? 'good' : 'bad');
  show(
    'about',
    `version ${version}, up ${duration(process.uptimeSeconds)}, ${bytes(process.residentBytes)} of memory`,
  );
}

/** Only when it changes: readers of the screen are told every time. */
function setState(text, className) {
  const element = byId('state');
  if (element.textContent !== text) element.textContent = text;
  element.className = `state ${className}`;
}

function showExporters({ total, exporters }, nowMs) {
  show('exporters-now', compact(total));
  show('exporters-count', total > exporters.length ? `the ${exporters.length} largest of ${total}` : '');
  const rows = exporters.map((exporter) => {
    const { domains } = exporter;
    const lost = sum(domains, ({ sequence }) => sequence.lost);
    const received = sum(domains, ({ sequence }) => sequence.received);
    const skew = domains.reduce(
      (worst, { clockSkewSeconds: s }) => (Math.abs(s) > Math.abs(worst) ? s : worst),
      0,
    );
    const rates = new Set(domains.map(({ sampling }) => sampling.systemRate).filter((rate) => rate !== null));
    const several = sum(domains, ({ sampling }) => sampling.rates);
    const agoSeconds = (nowMs - Date.parse(exporter.lastSeen)) / 1000;
    return [
      exporter.port === undefined ? exporter.exporter : `${exporter.exporter} ${exporter.port}`,
      number(compact(exporter.recordsPerSecond)),
      lost > 0
        ? number(`${compact(lost)} (${percent((lost / (lost + received)) * 100)})`, 'alarm')
        : number('–', 'dim'),
      number(compact(exporter.messagesPerSecond)),
      number(compact(exporter.octetsPerSecond * 8)),
      exporter.versions.map((version) => (version === 10 ? 'IPFIX' : `v${version}`)).join(', '),
      number(String(domains.length)),
      orDash(sum(domains, ({ templates }) => templates)),
      rates.size > 0
        ? number([...rates].map((rate) => `1:${rate}`).join(', '))
        : orDash(several, `${several} rates`),
      orDash(sum(domains, ({ sequence }) => sequence.restarts)),
      Math.abs(skew) >= 2
        ? number(`${skew > 0 ? '+' : '−'}${duration(Math.abs(skew))}`, 'alarm')
        : number('–', 'dim'),
      number(agoSeconds < 5 ? 'now' : duration(agoSeconds), agoSeconds > 60 ? 'alarm' : ''),
    ];
  });
  fill('exporter-rows', rows, 'Nobody has sent anything yet.');
}

async function ask(path) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(path, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  // A link brings no token.
  if (token !== null || response.status === 401) document.body.classList.add('guarded');
  if (response.status === 401) {
    byId('token').hidden = false;
    throw new Error(token === null ? 'a token is required' : 'not the right token');
  }
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  byId('token').hidden = true;
  return response.json();
}

async function update() {
  if (paused || document.hidden) before = null;
  else {
    try {
      const history = before === null ? await ask('history') : null;
      const [status, exporters] = await Promise.all([
        ask('status'),
        ask(`exporters?limit=${EXPORTERS_SHOWN}`),
      ]);
      if (history !== null) showHistory(history, status.parts.workers.configured);
      if (!paused) {
        showStatus(status, before?.sample ?? history?.samples.at(-1) ?? null);
        showExporters(exporters, status.sample.atMs);
      }
      failures = 0;
    } catch (error) {
      failures++;
      // One answer may get lost; what is shown stays.
      if (failures > 1 || before === null) {
        before = null;
        setState(error.name === 'Error' ? error.message : 'no answer', 'bad');
      }
    }
  }
  setTimeout(update, INTERVAL_MS);
}

byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  byId('pause').textContent = paused ? 'Resume' : 'Pause';
});
byId('token').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN_KEY, byId('token-text').value);
  byId('token').hidden = true;
});
update();
