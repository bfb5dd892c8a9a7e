/** Public door of the library. */
export type { DecodeLimits } from './decode/limits.ts';
export type {
  BasicList,
  FieldValue,
  FieldValues,
  ListValue,
  SubTemplateList,
  SubTemplateMultiList,
} from './decode/lists.ts';
export type { Value } from './decode/value.ts';
export {
  type DatagramSource,
  type DecodedRecord,
  Decoder,
  type DecoderOptions,
  type DecodeResult,
  type TemplateEvent,
} from './decoder.ts';
export type { ExporterKey } from './dispatch/scanner.ts';
export type { Element, ElementLookup, ElementType } from './elements/element.ts';
export { ElementRegistry, standardElements } from './elements/registry.ts';
export type { PendingLimits } from './templates/pending.ts';
export { FAULT_CODES, type FaultCode, REFUSAL_REASONS, type RefusalReason } from './wire/fault.ts';
