import { MillraceError } from '../base/errors.ts';

/** A longer line is none that a collector sends. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

export interface ServerEvent {
  /** `message` unless the event names another. */
  readonly type: string;
  readonly data: string;
}

/** The server-sent events of a body, one data line each. Throws MillraceError INPUT_FAILED for a line without end. */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let type = 'message';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_CHARACTERS)
      throw new MillraceError('INPUT_FAILED', 'not what a collector answers');
    for (const line of lines) {
      if (line.startsWith('event: ')) type = line.slice(7);
      else if (line.startsWith('data: ')) yield { type, data: line.slice(6) };
      else if (line === '') type = 'message';
    }
  }
}
