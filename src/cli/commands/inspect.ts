import { once } from 'node:events';
import { countText } from '../../base/count-text.ts';
import { addressText } from '../../base/ip.ts';
import { readElements } from '../../config/element-file.ts';
import type { OptionValues } from '../../config/options.ts';
import { endpointText } from '../../config/values.ts';
import type { ElementLookup } from '../../elements/element.ts';
import { elementsWith } from '../../elements/registry.ts';
import { type CapturedDatagram, openCapture } from '../../receive/capture/capture.ts';
import { complain, ExitCode, say, usageError } from '../errors.ts';
import { Dissector } from '../inspect/dissector.ts';
import type { Dissection } from '../inspect/part.ts';
import { dissectionLines, dumpLines } from '../inspect/text.ts';
import { inspectPlan } from './inspect-plan.ts';

type Values = OptionValues<'inspect'>;

/** Takes the datagrams of a file apart, or prints its plans. Returns the exit code. */
export async function inspect(args: readonly string[], values: Values): Promise<number> {
  const elements = elementsWith(await readElements(values.elements));
  if (args[0] === 'plan') {
    if (args.length !== 2) throw usageError('inspect plan takes one file');
    await inspectPlan(args[1], elements);
    return ExitCode.ok;
  }
  if (args.length !== 1) {
    throw usageError(`inspect ${JSON.stringify(args.join(' '))}: allowed is one file, or plan and one file`);
  }
  return inspectFile(args[0], elements, values);
}

async function inspectFile(file: string, elements: ElementLookup, values: Values): Promise<number> {
  const capture = await openCapture(file, { raw: true });
  const dissector = new Dissector(elements);
  const last = values.limit === 0 ? Number.POSITIVE_INFINITY : values.skip + values.limit;
  let count = 0;
  for await (const batch of capture.batches()) {
    for (const datagram of batch) {
      count++;
      if (count > last) {
        say('there are more datagrams; --skip and --limit show others');
        return ExitCode.ok;
      }
      const found = dissector.dissect(datagram.payload, datagram.address, datagram.port);
      if (count > values.skip && !(await write(shown(count, datagram, found, values)))) return ExitCode.ok;
    }
  }
  const { broken, bytesRead } = capture.stats;
  if (count === 0) say(`${file === '-' ? 'standard input' : file} holds no datagrams`);
  if (broken === 0) return ExitCode.ok;
  complain(`${file} is damaged behind octet ${bytesRead}: what stands there was not read`);
  return ExitCode.failed;
}

function shown(number: number, datagram: CapturedDatagram, found: Dissection, values: Values): string {
  const { payload, address, port, capturedAtMs } = datagram;
  const known = address.some((octet) => octet !== 0);
  const time = Number.isNaN(capturedAtMs) ? undefined : new Date(capturedAtMs).toISOString();
  if (values.json) {
    const exporter = known ? { exporter: addressText(address, 0), exporterPort: port } : {};
    const hex = values.hex ? { hex: Buffer.from(payload).toString('hex') } : {};
    return `${JSON.stringify({ datagram: number, ...exporter, time, octets: payload.length, ...found, ...hex })}\n`;
  }
  const from = known ? `from ${endpointText({ host: addressText(address, 0), port })}` : 'of unknown source';
  const at = time === undefined ? '' : `, ${time}`;
  return [
    `datagram ${number} ${from}${at}, ${countText(payload.length, 'octet')}`,
    ...dissectionLines(found),
    ...(values.hex ? ['', ...dumpLines(payload, found.faults)] : []),
    '\n',
  ].join('\n');
}

/** Waits while the reader of standard output is behind; false when there is none any more. */
async function write(text: string): Promise<boolean> {
  const { stdout } = process;
  if (stdout.writable && !stdout.write(text)) {
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
  }
  return stdout.writable;
}
