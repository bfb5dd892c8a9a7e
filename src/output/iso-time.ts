import { MAX_ISO_SECONDS, ntpMicroseconds, ntpNanoseconds, ntpUnixSeconds } from '../decode/timestamp.ts';
import { putNine, putThree, putTwo } from './ascii.ts';

const SECONDS_PER_DAY = 86_400;
const Z = 90;
const DOT = 46;
const COLON = 58;
const DASH = 45;
const T = 84;

/** Octets of the longest form, `2023-11-14T22:13:20.123456789Z`. */
export const MAX_ISO_BYTES = 30;

/** The date of the last day asked for, because neighbouring records are nearly always of one day. Per thread. */
let cachedDay = Number.NaN;
let cachedYear = 0;
let cachedMonth = 0;
let cachedDate = 0;

/** Gregorian date of a count of days since 1970-01-01, by eras of 400 years that begin in March. */
function setDate(day: number): void {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * ofYear + 2) / 153);
  cachedDate = ofYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  cachedMonth = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  cachedYear = yearOfEra + era * 400 + (cachedMonth <= 2 ? 1 : 0);
  cachedDay = day;
}

/** `2023-11-14`, the separator, `22:13:20`: 19 octets. unixSeconds: whole, from year 0 to MAX_ISO_SECONDS. */
export function putDateTime(view: DataView, at: number, unixSeconds: number, separator: number): number {
  const day = Math.floor(unixSeconds / SECONDS_PER_DAY);
  if (day !== cachedDay) setDate(day);
  const second = unixSeconds - day * SECONDS_PER_DAY;
  const hour = (second / 3600) >>> 0;
  const minute = ((second - hour * 3600) / 60) >>> 0;
  const century = (cachedYear / 100) >>> 0;
  putTwo(view, at, century);
  putTwo(view, at + 2, cachedYear - century * 100);
  view.setUint8(at + 4, DASH);
  putTwo(view, at + 5, cachedMonth);
  view.setUint8(at + 7, DASH);
  putTwo(view, at + 8, cachedDate);
  view.setUint8(at + 10, separator);
  putTwo(view, at + 11, hour);
  view.setUint8(at + 13, COLON);
  putTwo(view, at + 14, minute);
  view.setUint8(at + 16, COLON);
  return putTwo(view, at + 17, second - hour * 3600 - minute * 60);
}

/** A value that ISO 8601 cannot write: nothing was put. */
export const NOT_ISO = -1;

/** `2023-11-14T22:13:20Z`, or NOT_ISO beyond the year 9999. */
export function putIsoSeconds(view: DataView, at: number, unixSeconds: number): number {
  if (unixSeconds > MAX_ISO_SECONDS) return NOT_ISO;
  at = putDateTime(view, at, unixSeconds, T);
  view.setUint8(at, Z);
  return at + 1;
}

/** `2023-11-14T22:13:20.123Z`, or NOT_ISO beyond the year 9999. */
export function putIsoMillis(view: DataView, at: number, unixMs: number): number {
  const seconds = Math.floor(unixMs / 1000);
  if (seconds > MAX_ISO_SECONDS) return NOT_ISO;
  at = putDateTime(view, at, seconds, T);
  view.setUint8(at, DOT);
  at = putThree(view, at + 1, unixMs - seconds * 1000);
  view.setUint8(at, Z);
  return at + 1;
}

/** `2023-11-14T22:13:20.123028Z` of an NTP timestamp. */
export function putIsoMicros(
  view: DataView,
  at: number,
  hi: number,
  lo: number,
  exportTimeMs: number,
): number {
  const seconds = ntpUnixSeconds(hi, exportTimeMs);
  if (seconds > MAX_ISO_SECONDS) return NOT_ISO;
  const micros = ntpMicroseconds(lo);
  const millis = (micros / 1000) >>> 0;
  at = putDateTime(view, at, seconds, T);
  view.setUint8(at, DOT);
  at = putThree(view, at + 1, millis);
  at = putThree(view, at, micros - millis * 1000);
  view.setUint8(at, Z);
  return at + 1;
}

/** `2023-11-14T22:13:20.001953125Z` of an NTP timestamp. */
export function putIsoNanos(
  view: DataView,
  at: number,
  hi: number,
  lo: number,
  exportTimeMs: number,
): number {
  const seconds = ntpUnixSeconds(hi, exportTimeMs);
  if (seconds > MAX_ISO_SECONDS) return NOT_ISO;
  at = putDateTime(view, at, seconds, T);
  view.setUint8(at, DOT);
  at = putNine(view, at + 1, ntpNanoseconds(lo));
  view.setUint8(at, Z);
  return at + 1;
}
