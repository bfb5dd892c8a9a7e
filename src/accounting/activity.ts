import type { MessageHeader } from '../wire/header.ts';

/** A new measurement counts for this part of the clock skew, so that the second in which a header was made does not show. */
const SKEW_WEIGHT = 1 / 16;

/** Per second, over the time between the last two samples. */
export interface Rates {
  messages: number;
  octets: number;
  records: number;
}

/**
 * What one exporter, observation domain and version has sent: counts since it is known, the rates of late and the skew of
 * its clock. Messages count when they arrive, records when they are retired. Main thread; nothing is allocated per message.
 */
export class Activity {
  messages = 0;
  /** Octets of messages, headers included. */
  octets = 0;
  /** Data records decoded. */
  records = 0;
  setsWithoutTemplate = 0;
  /** Export time minus arrival time, smoothed, in ms: below 0 when the exporter's clock is behind. NaN before the first message. */
  clockSkewMs = Number.NaN;
  readonly rates: Rates = { messages: 0, octets: 0, records: 0 };
  #messagesBefore = 0;
  #octetsBefore = 0;
  #recordsBefore = 0;

  observe(header: MessageHeader, receivedAtMs: number): void {
    this.messages++;
    this.octets += header.end - header.start;
    const skewMs = header.exportTimeMs - receivedAtMs;
    if (this.messages === 1) this.clockSkewMs = skewMs;
    else this.clockSkewMs += (skewMs - this.clockSkewMs) * SKEW_WEIGHT;
  }

  /** Makes rates of what was counted in the seconds since the last call. */
  sample(seconds: number): void {
    this.rates.messages = (this.messages - this.#messagesBefore) / seconds;
    this.rates.octets = (this.octets - this.#octetsBefore) / seconds;
    this.rates.records = (this.records - this.#recordsBefore) / seconds;
    this.#messagesBefore = this.messages;
    this.#octetsBefore = this.octets;
    this.#recordsBefore = this.records;
  }
}
