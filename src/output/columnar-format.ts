/**
 * The columnar format in numbers and names; docs/columnar.md has it byte by byte. The only thing that the writer
 * (columnar.ts) and the reader (src/receive/columnar) have in common.
 */

/** "MRCF". */
export const COLUMNAR_MAGIC: readonly number[] = [0x4d, 0x52, 0x43, 0x46];
export const COLUMNAR_VERSION = 1;
/** Magic, u16 version, u16 zero, u32 length of the body; little-endian. */
export const FRAME_HEADER_BYTES = 12;

/** Rows of a frame. Batches are far smaller; the limit keeps a few forged octets from becoming millions of records. */
export const MAX_FRAME_ROWS = 65_536;
/** Columns of a frame, each item of a list counted. A template has fewer fields. */
export const MAX_FRAME_COLUMNS = 131_072;

/** How the values of a column are stored: the octets that each of its arrays has for a row. */
export const STORAGE_ARRAYS = {
  /** Unsigned integers. */
  u32: [4],
  /** Signed integers. */
  i32: [4],
  /** Lower 32 bits, upper 32 bits. */
  u64: [4, 4],
  i64: [4, 4],
  /** IEEE 754 doubles. */
  f64: [8],
  /** 16 octets as they are. */
  b16: [16],
  /** Offset in a heap, number of octets. */
  heap: [4, 4],
  /** Milliseconds since the Unix epoch as doubles, and the nanoseconds below. */
  time: [8, 4],
} as const satisfies Record<string, readonly number[]>;
export type ColumnarStorage = keyof typeof STORAGE_ARRAYS;

/** What the stored values mean, and how each kind may be stored. */
export const TYPE_STORAGES = {
  unsigned: ['u32', 'u64'],
  signed: ['i32', 'i64'],
  float: ['f64'],
  rate: ['f64'],
  boolean: ['u32'],
  ipv4: ['u32'],
  ipv6: ['b16'],
  address: ['b16'],
  mac: ['u64'],
  string: ['heap'],
  octets: ['heap'],
  list: ['heap'],
  seconds: ['u32', 'u64'],
  millis: ['u32', 'u64'],
  micros: ['u64'],
  nanos: ['u64'],
  time: ['time'],
  word: ['u32'],
} as const satisfies Record<string, readonly ColumnarStorage[]>;
export type ColumnarType = keyof typeof TYPE_STORAGES;

/** Heaps of a frame by position: octets as they were sent, and texts that were made of them. */
export const HEAPS = { sent: 0, made: 1 } as const;
export const HEAP_COUNT = 2;

/** What is the same for all rows of a set, one column each; rowEnd is the first row behind the set. */
export const SET_COLUMNS = [
  ['rowEnd', 'u32'],
  ['exporter', 'b16'],
  ['exporterPort', 'u32'],
  ['version', 'u32'],
  ['observationDomainId', 'u32'],
  ['templateId', 'u32'],
  ['options', 'u32'],
  ['sequence', 'u32'],
  ['exportTimeMs', 'f64'],
  ['sysUptimeMs', 'f64'],
  ['receivedAtMs', 'f64'],
  ['systemInitMs', 'f64'],
] as const satisfies readonly (readonly [string, ColumnarStorage])[];
