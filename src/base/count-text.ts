/** `1 flow`, `2 flows`; with words behind the noun where it has some. */
export function countText(count: number, noun: string, rest = ''): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}${rest}`;
}
