/** What handlers are given and what they return; none of them knows node:http. */
export interface Request {
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

/** A reply that goes on until one side ends it. */
export interface EventStream {
  write(bytes: string | Uint8Array): void;
  /** Bytes that were written and not sent yet. */
  readonly waiting: number;
  end(): void;
}

/** Starts a stream; the returned function is called once, when the stream has ended. */
export interface StreamReply {
  readonly start: (stream: EventStream) => () => void;
}

export interface Route {
  /** Query parameters it understands. */
  readonly parameters: readonly string[];
  /** Whether it is served without a token: probes, and the page, which holds no data. */
  readonly open: boolean;
  readonly handle: (request: Request) => Reply | StreamReply | Promise<Reply>;
}

/** A mistake in a request, for the client. */
export class RequestError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function json(status: number, value: unknown): Reply {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

/** A whole number from `least` to `most`; `absent` when it is not given. Throws RequestError 400. */
export function integerParameter(
  { parameters }: Request,
  name: string,
  least: number,
  most: number,
  absent: number,
): number {
  const text = parameters.get(name);
  if (text === undefined) return absent;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new RequestError(400, `${name}: allowed is a whole number from ${least} to ${most}`);
}
