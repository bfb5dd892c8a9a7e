/** Makes the records of `.dgrams` files (dgrams.ts). */
import { assert } from '../../base/assert.ts';
import { isV4Mapped } from '../../base/ip.ts';
import { DGRAMS_HEADER_BYTES } from './dgrams.ts';

const PAYLOAD_BYTES_MAX = 65_535;

// biome-ignore lint/complexity/noStaticOnlyClass: the name tells at the place of use what is made
export class DgramsWriter {
  /**
   * One record, complete, to be appended to a file. address: 16-byte form of the source; the format has no room for an
   * IPv6 one, which becomes 0 (unknown). payload: at most 65535 bytes.
   */
  static record(address: Uint8Array, port: number, payload: Uint8Array): Uint8Array {
    assert(payload.length <= PAYLOAD_BYTES_MAX, 'a datagram has at most 65535 bytes');
    const record = new Uint8Array(DGRAMS_HEADER_BYTES + payload.length);
    if (isV4Mapped(address, 0)) record.set(address.subarray(12, 16));
    const view = new DataView(record.buffer);
    view.setUint16(4, port);
    view.setUint16(6, payload.length);
    record.set(payload, DGRAMS_HEADER_BYTES);
    return record;
  }
}
