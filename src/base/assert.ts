/** Throws when a condition that only a defect of ours can break does not hold. Never used on bytes from the network. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
