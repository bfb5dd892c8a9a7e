/**
 * Everything that can be wrong with bytes from the network. A fault is a number: it is counted and reported with its
 * byte offset in the datagram, never thrown. Numbers are the position in this table and are shared between threads.
 */
export const FAULT_CODES = [
  'none',
  'datagram-too-short',
  'unknown-version',
  'version-not-allowed',
  'header-truncated',
  'record-count-invalid',
  'message-length-invalid',
  'message-too-long',
  'trailing-bytes',
  'set-length-invalid',
  'set-truncated',
  'template-truncated',
  'template-refused',
  'variable-length-overrun',
  'set-shorter-than-record',
  'records-limit',
  'values-limit',
  'content-limit',
  'list-malformed',
] as const;
/** One of FAULT_CODES. */
export type FaultCode = (typeof FAULT_CODES)[number];

const numbers = Object.fromEntries(FAULT_CODES.map((code, i) => [code, i])) as Record<FaultCode, number>;
/** Number of a fault code, for shared words and hot paths. */
export const Fault: Readonly<Record<FaultCode, number>> = Object.freeze(numbers);

/** Why a template was refused; the `reason` of a `refused` template event. */
export const REFUSAL_REASONS = [
  'id-reserved',
  'no-fields',
  'too-many-fields',
  'record-too-long',
  'record-empty',
  'field-length-invalid',
  'scope-count-invalid',
  'older-definition',
  'too-many-templates',
  'too-many-scopes',
  'memory-exhausted',
  'unknown-encoding',
] as const;
/** One of REFUSAL_REASONS. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];
