import { countText } from '../base/count-text.ts';
import type { CollectorStatus } from '../collector.ts';

export interface StatusReport {
  text: string;
  /** The same for machines, with the sums since the start. */
  fields: CollectorStatus & { datagramsPerSecond: number; flowsPerSecond: number };
}

/** Makes status lines from the counts since the last one. */
export class StatusLine {
  #datagrams = 0;
  #flows = 0;
  #atMs: number;

  constructor(startMs: number) {
    this.#atMs = startMs;
  }

  /** nowMs: on the clock of startMs. */
  next(status: CollectorStatus, nowMs: number): StatusReport {
    const seconds = Math.max(nowMs - this.#atMs, 1) / 1000;
    const datagramsPerSecond = Math.round((status.datagrams - this.#datagrams) / seconds);
    const flowsPerSecond = Math.round((status.flows - this.#flows) / seconds);
    this.#datagrams = status.datagrams;
    this.#flows = status.flows;
    this.#atMs = nowMs;
    const { exporters, templates, held, lost, store, troubles } = status;
    const counts =
      `${countText(datagramsPerSecond, 'datagram', '/s')}, ${countText(flowsPerSecond, 'flow', '/s')}, ` +
      `${countText(exporters, 'exporter')}, ${countText(templates, 'template')}, ${held} held, ${lost} lost`;
    return {
      text: [counts, ...storeTrouble(store), ...troubles].join('; '),
      fields: { ...status, datagramsPerSecond, flowsPerSecond },
    };
  }
}

function storeTrouble(store: CollectorStatus['store']): string[] {
  if (store === null || store.state === 'synced') return [];
  const waiting = store.queued === 0 ? '' : `, ${countText(store.queued, 'write')} waiting`;
  const reason = store.reason === '' ? '' : ` (${store.reason})`;
  return [`template store ${store.state}${reason}${waiting}`];
}
