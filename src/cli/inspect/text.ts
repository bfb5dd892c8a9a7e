import type { FaultCode } from '../../wire/fault.ts';
import type { Dissection, FaultMark } from './part.ts';

/** What faults mean, for a person. */
const FAULT_TEXTS: Readonly<Record<FaultCode, string>> = {
  none: 'nothing is wrong',
  'datagram-too-short': 'too short for any message',
  'unknown-version': 'no version of flow export that is known',
  'version-not-allowed': 'this version is not allowed',
  'header-truncated': 'the datagram ends inside of the message header',
  'record-count-invalid': 'the header says that there are no records',
  'message-length-invalid': 'the message would be longer than the datagram, or shorter than its header',
  'message-too-long': 'the message is too long',
  'trailing-bytes': 'octets behind the message that are no message',
  'set-length-invalid': 'the set would be longer than the message, or shorter than its header',
  'set-truncated': 'the set is cut short',
  'template-truncated': 'the set ends inside of the template',
  'template-refused': 'the template is refused',
  'variable-length-overrun': 'a value of this record would reach beyond the end of the set',
  'set-shorter-than-record': 'the set is shorter than one record of its template',
  'records-limit': 'more records than a set may have',
  'values-limit': 'more values than a datagram may have',
  'content-limit': 'more octets of values than a datagram may have',
  'list-malformed': 'structured data in this set cannot be taken apart',
};

const OFFSET_DIGITS = 4;
const DUMP_OCTETS = 16;
const NAME_WIDTH = 32;
/** In front of the line of a fault, where other lines have blanks. */
const MARK = '!!';

/** A dissection as lines: the offset, what stands there, and each fault behind the part that it is in. */
export function dissectionLines({ parts, faults }: Dissection): string[] {
  const lines: string[] = [];
  let next = 0;
  for (let i = 0; i < parts.length; i++) {
    const { at, depth, name, value } = parts[i];
    const indented = `${'  '.repeat(depth)}${name}`;
    const padded = value === '' ? indented : `${indented.padEnd(NAME_WIDTH)}  ${value}`;
    lines.push(`  ${hex(at)}  ${padded}`);
    const followed = parts[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    for (; next < faults.length && faults[next].at < followed; next++) lines.push(faultLine(faults[next]));
  }
  for (; next < faults.length; next++) lines.push(faultLine(faults[next]));
  return lines;
}

/** Octets in lines of sixteen, with a mark under each that has a fault. */
export function dumpLines(bytes: Uint8Array, faults: readonly FaultMark[]): string[] {
  const lines: string[] = [];
  const faulty = new Set(faults.map(({ at }) => at));
  for (let at = 0; at < bytes.length; at += DUMP_OCTETS) {
    const octets = [...bytes.subarray(at, at + DUMP_OCTETS)];
    const digits = octets.map((octet) => octet.toString(16).padStart(2, '0')).join(' ');
    const letters = octets.map((octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.'));
    lines.push(`  ${hex(at)}  ${digits.padEnd(DUMP_OCTETS * 3)} ${letters.join('')}`);
    const marks = octets.map((_, i) => (faulty.has(at + i) ? '^^' : '  ')).join(' ');
    if (marks.includes('^')) lines.push(`${MARK}${' '.repeat(OFFSET_DIGITS + 2)}${marks.trimEnd()}`);
  }
  return lines;
}

function faultLine({ at, code }: FaultMark): string {
  return `${MARK}${hex(at)}  ${code}: ${FAULT_TEXTS[code]}`;
}

function hex(offset: number): string {
  return offset.toString(16).padStart(OFFSET_DIGITS, '0');
}
