import type { FaultCode } from '../../wire/fault.ts';

/** A piece of a datagram, for a person: where it is, what it is called, what it says. */
export interface Part {
  /** Octets from the begin of the datagram, and how many the piece has. */
  readonly at: number;
  readonly octets: number;
  /** 0: a message; parts of a part are one deeper. */
  readonly depth: number;
  readonly name: string;
  /** Empty where the name says all. Printable, as it is. */
  readonly value: string;
}

export interface FaultMark {
  readonly at: number;
  readonly code: FaultCode;
}

export interface Dissection {
  /** In wire order. */
  readonly parts: Part[];
  readonly faults: FaultMark[];
}
