/** Numbers and words for a person. */

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

/** `1 flow`, `2 flows`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What a sender has to say besides the number of datagrams. */
export function sentErrorsText(errors: number): string {
  if (errors === 0) return '';
  return `; ${countText(errors, 'error')}: nobody receives there, or the system did not take them`;
}
