import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { medianInterval } from '../../bench/intervals.ts';
import { plotSvg } from '../../bench/plot.ts';
import { cellText, laneName, type Report, writeReport } from '../../bench/report.ts';

const REPORT: Report = {
  topic: 'micro',
  title: 'A title',
  question: 'What?',
  method: 'So.',
  command: 'npm run bench',
  tables: [{ title: 'Table', columns: ['a', 'b'], rows: [['x|y', 1234.5]] }],
  plots: [
    {
      name: 'plot',
      title: 'Size & cost',
      xLabel: 'x',
      yLabel: 'y',
      series: [
        {
          name: '<one>',
          points: [
            [1, 10],
            [4, 40],
          ],
        },
      ],
    },
  ],
  findings: ['It is so.'],
  data: { all: [1, 2] },
};

test('a report is a page, its data and its plots, and is listed once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-report-'));
  try {
    writeFileSync(join(folder, 'README.md'), 'before\n<!-- reports -->\nold\n<!-- /reports -->\nafter\n');
    const page = writeReport(REPORT, folder);
    assert.equal(writeReport(REPORT, folder), page);
    assert.equal(readdirSync(folder).length, 4);
    const text = readFileSync(page, 'utf8');
    assert.match(text, /^# A title\n/);
    assert.ok(text.includes('| x\\|y | 1,235 |'));
    assert.ok(text.includes('-micro-plot.svg)'));
    const data = JSON.parse(readFileSync(page.replace(/md$/, 'json'), 'utf8')) as Report & {
      machine: { lane: string };
    };
    assert.deepEqual(data.data, REPORT.data);
    assert.match(data.machine.lane, /^[a-z0-9.-]+-\d+c-node\d+$/);
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    assert.match(readme, /^before\n<!-- reports -->[\s\S]*<!-- \/reports -->\nafter\n$/);
    assert.equal(readme.split('| micro |').length, 2);
    assert.ok(!readme.includes('old'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a lane names the processor without makers and marks', () => {
  assert.equal(laneName('Intel(R) Xeon(R) Processor @ 2.60GHz', 2, 20), 'xeon-2.60ghz-2c-node20');
  assert.equal(laneName('AMD Ryzen 9 7950X 16-Core Processor', 32, 22), 'ryzen-9-7950x-32c-node22');
});

test('numbers keep the digits that mean something', () => {
  assert.deepEqual([1234567, 1234.56, 123.456, 1.23456, 0.000123456, Number.NaN].map(cellText), [
    '1,234,567',
    '1,235',
    '123.5',
    '1.23',
    '0.000123',
    '—',
  ]);
});

test('plots draw every point inside the axes, and escape text', () => {
  const svg = plotSvg(REPORT.plots[0]);
  assert.ok(svg.includes('&#60;one&#62;') && svg.includes('Size &#38; cost'));
  assert.equal(svg.match(/<circle/g)?.length, 3);
  assert.ok(!svg.includes('NaN'));
  assert.ok(!plotSvg({ ...REPORT.plots[0], series: [{ name: 'empty', points: [] }] }).includes('NaN'));
});

test('the interval of a median is between order statistics', () => {
  const values = [9, 1, 8, 2, 7, 3, 6, 4, 5, 10];
  const { low, high, confidence } = medianInterval(values);
  // Binomial(10, 1/2): at most one value on either side of the median has a chance of 2 * 11 / 1024.
  assert.deepEqual([low, high], [2, 9]);
  assert.ok(Math.abs(confidence - (1 - 22 / 1024)) < 1e-12);
  const few = medianInterval([3, 1, 2]);
  assert.deepEqual([few.low, few.high], [1, 3]);
  assert.equal(few.confidence, 0.75);
});
