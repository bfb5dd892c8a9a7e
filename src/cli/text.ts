/** Numbers and words for a person. */
import { countText } from '../base/count-text.ts';

/** 1.5 MiB and the like. */
export function byteText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

/** 12, 1.23k, 45.6M: at most three digits that matter. */
export function shortNumber(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0)
    return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
  return value.toPrecision(3) + units[unit];
}

/** 12 s, 5 min, 3 h, 4 d. */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Text from elsewhere as a terminal may see it: without control characters. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** What a sender has to say besides the number of datagrams. */
export function sentErrorsText(errors: number): string {
  if (errors === 0) return '';
  return `; ${countText(errors, 'error')}: nobody receives there, or the system did not take them`;
}
