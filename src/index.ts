/**
 * The library: a decoder, and what it shares with the collector. The library guide shows how to use it.
 *
 * @module millrace
 */
export type { Clock } from './base/clock.ts';
export { ERROR_CODES, type ErrorCode, MillraceError } from './base/errors.ts';
export { addressText } from './base/ip.ts';
export type { ColumnData, FlowBatch, SetContext, TemplateResolver } from './decode/batch.ts';
export type { Dialect, FieldSpecifier, Layout } from './decode/layout.ts';
export type { DecodeLimits } from './decode/limits.ts';
export type {
  BasicList,
  FieldValue,
  FieldValues,
  ListValue,
  Semantic,
  SubTemplateList,
  SubTemplateMultiList,
} from './decode/lists.ts';
export type { Column, Plan, PlanField, Render, Storage } from './decode/plan.ts';
export { type DecodedRecord, recordsOf } from './decode/records.ts';
export { type Value, valueAt } from './decode/value.ts';
export {
  type BatchReport,
  type Datagram,
  type DatagramSource,
  type DecodeResult,
  Decoder,
  type DecoderOptions,
  type FaultEvent,
  type InBatch,
  type MissingEvent,
  type TemplateEvent,
} from './decoder.ts';
export type { ReplicaCounters } from './dispatch/replica.ts';
export { EXPORTER_KEYS, type ExporterKey } from './dispatch/scanner.ts';
export type { TemplateShare } from './dispatch/template-share.ts';
export { ELEMENT_TYPES, type Element, type ElementLookup, type ElementType } from './elements/element.ts';
export { ElementRegistry, standardElements } from './elements/registry.ts';
export { BatchFilter } from './filter/batch-filter.ts';
export { FilterError } from './filter/filter-error.ts';
export { type Filter, parseFilter } from './filter/parser.ts';
export { type JsonRecord, RecordFilter } from './filter/record-filter.ts';
export type { StoreStatus } from './fleet/messages.ts';
export { defaultStoreUri, type OpenStoreOptions, openStore } from './fleet/open-store.ts';
export { ColumnarError } from './receive/columnar/body-cursor.ts';
export type {
  ColumnarColumn,
  ColumnarColumns,
  ColumnarFrame,
  ColumnarRecord,
  ColumnarSet,
} from './receive/columnar/frame.ts';
export { type ColumnarStream, type ReadColumnarOptions, readColumnar } from './receive/columnar/reader.ts';
export type { ColumnarField, ColumnarItem, ColumnarSchema } from './receive/columnar/schema.ts';
export type { ColumnarArrays, ColumnarValue } from './receive/columnar/value.ts';
export { FileStore, type FileStoreOptions } from './templates/file-store.ts';
export { MemoryStore } from './templates/memory-store.ts';
export type { PendingLimits } from './templates/pending.ts';
export type { TemplateKind } from './templates/scope.ts';
export {
  CLEAR_WHAT,
  type ClearWhat,
  type NewItem,
  type PutOutcome,
  type PutResult,
  REMOVAL_REASONS,
  REORDER_WINDOW_MS,
  type RemovalReason,
  type RemoveResult,
  STORE_LIMITS,
  STORE_STATES,
  type StoreChange,
  type StoredItem,
  StoreError,
  type StoreState,
  type StoreWatcher,
  type TemplateStore,
  type Version,
} from './templates/store.ts';
export {
  decodeValue,
  headerFault,
  kindOf,
  type StoredValue,
  sameContent,
  supersedes,
  VALUE_FAULTS,
  type ValueFault,
  ValueKind,
  versionOf,
} from './templates/stored-value.ts';
export { FAULT_CODES, type FaultCode, REFUSAL_REASONS, type RefusalReason } from './wire/fault.ts';
