export interface ListenAddress {
  /** IP address to bind; `::` receives IPv4 as well. */
  host: string;
  port: number;
}

/** Something that puts datagrams from a socket into a ring. */
export interface Receiver {
  /** Binds the socket and starts. MillraceError LISTEN_FAILED when that is not possible. */
  open(receiveBufferBytes: number): Promise<void>;
  readonly host: string;
  /** Port that is bound, also where port 0 was asked for. */
  readonly port: number;
  /** What the kernel says the receive buffer is; Linux says twice of what it was asked for. */
  readonly receiveBufferBytes: number;
  /** Datagrams that found no free slot and were thrown away, and those longer than a slot. */
  readonly ringFull: number;
  readonly oversize: number;
  /** Datagrams the kernel dropped at this socket; NaN where that is not known here. */
  readonly kernelDrops: number;
  /** Stops receiving; what was received stays in the ring. */
  close(): Promise<void>;
}

export function listenText({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
