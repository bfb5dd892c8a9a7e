/** The datagram that an event is about, so that lines of the log can be put together with each other and with captures. */
export interface DatagramIdentity {
  /** Source address and port. */
  readonly exporter: string;
  readonly exporterPort: number;
  /** Number of the datagram since the start, counted from 1 in the order of scanning; 0 for a set that was held. */
  readonly datagram: number;
}

/** Tells of an event. kind is from a fixed set, for muting; text and identity are made only when the line is written. */
export type Note = (kind: string, text: () => string, about?: () => DatagramIdentity) => void;

export function identityText({ exporter, exporterPort, datagram }: DatagramIdentity): string {
  const number = datagram === 0 ? 'data that was held' : `datagram ${datagram}`;
  return `exporter ${exporter} port ${exporterPort}, ${number}`;
}
