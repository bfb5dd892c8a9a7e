/** CRC-32C (Castagnoli), as iSCSI uses it (RFC 3720 appendix B.4). */
const TABLE = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let remainder = i;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  TABLE[i] = remainder;
}

/** Checksum of bytes [start, end); seed: the checksum of what stands in front of them. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  let crc = ~seed;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}
