import { countText } from '../base/count-text.ts';
import { MillraceError } from '../base/errors.ts';
import { loadSystemCalls } from '../base/system-calls.ts';

export const RECEIVE_MODES = ['auto', 'dgram', 'recvmmsg'] as const;
export type ReceiveMode = (typeof RECEIVE_MODES)[number];

export interface ReceiveChoice {
  readonly mode: 'dgram' | 'recvmmsg';
  /** Receivers of each listen address. */
  readonly receivers: number;
  /** Which one runs, and why, in one line. */
  readonly explanation: string;
}

/**
 * recvmmsg where it can run, node:dgram elsewhere. Several receivers of one port need recvmmsg: node:dgram of Node 20
 * ignores its own `reusePort` silently. MillraceError CONFIG_INVALID when what was asked for cannot be had.
 */
export function chooseReceive(asked: ReceiveMode, receivers: number): ReceiveChoice {
  const calls = asked === 'dgram' ? 'it was asked for' : loadSystemCalls();
  if (typeof calls !== 'string') {
    const threads = countText(receivers, 'thread');
    const reason = asked === 'auto' ? 'this is Linux, and koffi is here' : 'it was asked for';
    return {
      mode: 'recvmmsg',
      receivers,
      explanation: `receiving with recvmmsg, ${threads} for each address: ${reason}`,
    };
  }
  if (asked === 'recvmmsg') {
    throw new MillraceError(
      'CONFIG_INVALID',
      `--receive recvmmsg is not possible here: ${calls}; allowed are auto, dgram`,
    );
  }
  if (receivers > 1) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `--receivers ${receivers} needs recvmmsg, and node:dgram is used because ${calls}; allowed is 1`,
    );
  }
  return { mode: 'dgram', receivers: 1, explanation: `receiving with node:dgram: ${calls}` };
}
