import { once } from 'node:events';
import { countText } from '../../base/count-text.ts';
import { MillraceError } from '../../base/errors.ts';
import type { OptionValues } from '../../config/options.ts';
import { complain, ExitCode } from '../errors.ts';
import { eventsOf } from '../event-stream.ts';
import { CollectorClient } from '../http-client.ts';
import { Stop } from '../stop.ts';
import { printable } from '../text.ts';
import { tokenOf } from '../token.ts';

/** Writes flows as they are decoded elsewhere. Returns the exit code. */
export async function tail(filter: string | undefined, values: OptionValues<'tail'>): Promise<number> {
  const stop = new Stop();
  const client = new CollectorClient(values.url, await tokenOf(values));
  const query = new URLSearchParams({ sample: String(values.flowSample) });
  if (filter !== undefined) query.set('filter', filter);
  if (values.flowLimit !== undefined) query.set('limit', String(values.flowLimit));
  // Whoever reads us has gone.
  process.stdout.on('error', () => stop.request());
  let complete = false;
  try {
    const { body } = await client.open(`/flows?${query}`, stop.signal);
    for await (const { type, data } of eventsOf(body as unknown as AsyncIterable<Uint8Array>)) {
      if (type === 'end') complete = true;
      else if (type === 'lost') tellLost(data);
      else if (!process.stdout.write(`${printable(data)}\n`))
        await once(process.stdout, 'drain', { signal: stop.signal });
    }
  } catch (error) {
    if (!stop.requested) throw error instanceof MillraceError ? error : ended(client.url);
  }
  if (!complete && !stop.requested) throw ended(client.url);
  return ExitCode.ok;
}

function ended(url: string): MillraceError {
  return new MillraceError('INPUT_FAILED', `${url} has ended the connection`);
}

function tellLost(data: string): void {
  const records = Number(/^\{"records":(\d{1,15})\}$/.exec(data)?.[1]);
  if (records > 0) complain(`${countText(records, 'flow')} not shown: too many, or read too slowly`);
}
