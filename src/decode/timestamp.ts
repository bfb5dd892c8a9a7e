/**
 * Arithmetic of the date-time types (RFC 7011 sections 6.1.7 to 6.1.10). Pure numbers: hot paths use it, too.
 *
 * NTP time is a count of seconds since 1900 modulo 2^32 and a binary fraction of a second. Which of the eras of 136 years is
 * meant follows from the export time: the one that puts the value nearest to it.
 */

const NTP_TO_UNIX_SECONDS = 2_208_988_800;
const ERA_SECONDS = 2 ** 32;

/** 9999-12-31T23:59:59Z, the last second that ISO 8601 can write with four digits of the year. */
export const MAX_ISO_SECONDS = 253_402_300_799;

/** Seconds since the Unix epoch of NTP seconds; negative before 1970. */
export function ntpUnixSeconds(ntpSeconds: number, exportTimeMs: number): number {
  const unixSeconds = ntpSeconds - NTP_TO_UNIX_SECONDS;
  return unixSeconds + Math.round((exportTimeMs / 1000 - unixSeconds) / ERA_SECONDS) * ERA_SECONDS;
}

/** Whole microseconds of an NTP fraction. RFC 7011 section 6.1.9: the lower 11 bits are to be ignored. */
export function ntpMicroseconds(fraction: number): number {
  // 2^32 × 10^6 is below 2^53, so the product is exact.
  return Math.floor((((fraction & ~0x7ff) >>> 0) * 1e6) / 2 ** 32);
}

/** Whole nanoseconds of an NTP fraction. */
export function ntpNanoseconds(fraction: number): number {
  // 2^32 × 10^9 is above 2^53: in two halves of 16 bits each step is exact.
  const lower = Math.floor(((fraction & 0xffff) * 1e9) / 65536);
  return Math.floor(((fraction >>> 16) * 1e9 + lower) / 65536);
}

/** ISO 8601 UTC with 0, 3, 6 or 9 digits of the second; null outside of the years that have four digits. */
export function isoText(unixSeconds: number, digits: 0 | 3 | 6 | 9, fraction: number): string | null {
  if (!(unixSeconds <= MAX_ISO_SECONDS)) return null;
  const text = new Date(unixSeconds * 1000).toISOString().slice(0, 19);
  return digits === 0 ? `${text}Z` : `${text}.${String(fraction).padStart(digits, '0')}Z`;
}
