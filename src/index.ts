/** Public door of the library. */
export { ERROR_CODES, type ErrorCode, MillraceError } from './base/errors.ts';
export type { ColumnData, FlowBatch, SetContext, TemplateResolver } from './decode/batch.ts';
export type { FieldSpecifier, Layout } from './decode/layout.ts';
export type { DecodeLimits } from './decode/limits.ts';
export type {
  BasicList,
  FieldValue,
  FieldValues,
  ListValue,
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
  type MissingEvent,
  type TemplateEvent,
} from './decoder.ts';
export type { ExporterKey } from './dispatch/scanner.ts';
export type { TemplateShare } from './dispatch/template-share.ts';
export type { Element, ElementLookup, ElementType } from './elements/element.ts';
export { ElementRegistry, standardElements } from './elements/registry.ts';
export { BatchFilter } from './filter/batch-filter.ts';
export { FilterError } from './filter/filter-error.ts';
export { type Filter, parseFilter } from './filter/parser.ts';
export { type JsonRecord, RecordFilter } from './filter/record-filter.ts';
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
export {
  type ClearWhat,
  type NewItem,
  type PutOutcome,
  type PutResult,
  REORDER_WINDOW_MS,
  type RemovalReason,
  type RemoveResult,
  STORE_LIMITS,
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
  type ValueFault,
  ValueKind,
  versionOf,
} from './templates/stored-value.ts';
export { FAULT_CODES, type FaultCode, REFUSAL_REASONS, type RefusalReason } from './wire/fault.ts';
