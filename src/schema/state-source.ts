import type { StateText } from '../templates/state-view.ts';

/**
 * What options data told about an exporter, as it was when a set was bound to its template. Texts are UTF-8 as the exporter
 * sent it (not validated), and valid until the next call.
 */
export interface ExporterStateSource {
  /** Packets per sampled packet; 0 when unknown. Arguments that a record does not have are -1. */
  samplingRate(samplerId: number, selectorId: number, inIf: number, templateId: number): number;
  /** Whether samplingRate depends on inIf. */
  readonly ratesOfInterfaces: boolean;
  /** Milliseconds since the Unix epoch at which sysUptime was 0; NaN when unknown. */
  readonly systemInitMs: number;
  interfaceName(index: number): StateText | null;
  interfaceDescription(index: number): StateText | null;
  vrfName(id: number): StateText | null;
  applicationName(bytes: Uint8Array, offset: number, length: number): StateText | null;
  samplerName(id: number): StateText | null;
  selectorName(id: number): StateText | null;
}

/** The exporter state at an address of the shared heap; null when there is none. */
export type StateLookup = (address: number) => ExporterStateSource | null;

/** The state of each set in turn: sets of one exporter that follow one another ask once. */
export class StateOfSet {
  readonly #lookup: StateLookup;
  #address = 0;
  #state: ExporterStateSource | null = null;

  constructor(lookup: StateLookup) {
    this.#lookup = lookup;
  }

  /** Forgets what was asked: blocks of the shared heap are used again once a batch is retired. */
  reset(): void {
    this.#address = 0;
    this.#state = null;
  }

  /** Options records get nothing from the state that they themselves make. */
  of(set: { readonly stateAddress: number; readonly options: boolean }): ExporterStateSource | null {
    if (set.options || set.stateAddress === 0) return null;
    if (set.stateAddress !== this.#address) {
      this.#address = set.stateAddress;
      this.#state = this.#lookup(set.stateAddress);
    }
    return this.#state;
  }
}
