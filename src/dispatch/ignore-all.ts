import type { ScanHandler } from './scanner.ts';

const ignore = (): void => {};

/** Cares about nothing the scanner finds; to be spread in front of what somebody does care about. */
export const IGNORE_ALL = {
  scopeEvicted: ignore,
  released: ignore,
  template: ignore,
  missing: ignore,
  message: ignore,
  fault: ignore,
  withdrawalIgnored: ignore,
  reservedSet: ignore,
  emptySet: ignore,
  heldExpired: ignore,
  heldOverflowed: ignore,
  heldWithdrawn: ignore,
} satisfies Partial<ScanHandler<never>>;
