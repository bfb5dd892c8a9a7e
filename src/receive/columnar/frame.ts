import { addressText } from '../../base/ip.ts';
import type { ColumnarField, ColumnarSchema } from './schema.ts';
import { type ColumnarArrays, type ColumnarValue, columnValue } from './value.ts';

/** A column with its name; the arrays are those of the first item where it is a list. */
export class ColumnarColumn implements ColumnarArrays {
  /** Key of the values in records. */
  readonly name: string;
  /** Whether the values are lists: those of several items, as many as a row has. */
  readonly list: boolean;
  readonly type: ColumnarArrays['type'];
  readonly storage: ColumnarArrays['storage'];
  readonly words: ColumnarArrays['words'];
  readonly values: ColumnarArrays['values'];
  readonly more: Uint32Array | null;
  readonly heap: Uint8Array | null;
  /** One, or those of the list in order. */
  readonly items: readonly ColumnarArrays[];
  /** For each row 0 where it has no value, else 1, or for a list how many items. Null when every row has all. */
  readonly present: Uint8Array | null;
  readonly #sets: readonly ColumnarSet[];

  constructor(
    { name, list }: ColumnarField,
    items: readonly ColumnarArrays[],
    present: Uint8Array | null,
    sets: readonly ColumnarSet[],
  ) {
    const [{ type, storage, words, values, more, heap }] = items;
    this.name = name;
    this.list = list;
    this.type = type;
    this.storage = storage;
    this.words = words;
    this.values = values;
    this.more = more;
    this.heap = heap;
    this.items = items;
    this.present = present;
    this.#sets = sets;
  }

  /** The value of a row as `toObjects` shows it; undefined where the row has none. */
  valueAt(row: number, set = this.#setOf(row)): ColumnarValue | ColumnarValue[] | undefined {
    if (set === undefined || (this.present !== null && this.present[row] === 0)) return undefined;
    if (!this.list) return columnValue(this, row, set.exportTimeMs);
    const count = this.present === null ? this.items.length : this.present[row];
    return this.items.slice(0, count).map((item) => columnValue(item, row, set.exportTimeMs));
  }

  #setOf(row: number): ColumnarSet | undefined {
    let low = 0;
    let high = this.#sets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (row < this.#sets[middle].rowEnd) high = middle;
      else low = middle + 1;
    }
    return row >= 0 ? this.#sets[low] : undefined;
  }
}

/** What came with a set of records, for rows [rowStart, rowEnd). */
export interface ColumnarSet {
  /** The first row of the set. */
  readonly rowStart: number;
  /** The first row behind the set. */
  readonly rowEnd: number;
  /** 16 octets, IPv4 in its IPv4-mapped form. */
  readonly exporter: Uint8Array;
  /** UDP source port. */
  readonly exporterPort: number;
  /** 5, 7, 9 or 10. */
  readonly version: number;
  /** As in SetContext. */
  readonly observationDomainId: number;
  /** 0 for v5 and v7. */
  readonly templateId: number;
  /** Whether the records are options records. */
  readonly options: boolean;
  /** Sequence number of the message header. */
  readonly sequence: number;
  /** Ms since the Unix epoch, with fraction. */
  readonly exportTimeMs: number;
  /** Negative where the message header has none. */
  readonly sysUptimeMs: number;
  /** Ms since the Unix epoch, with fraction. */
  readonly receivedAtMs: number;
  /** When sysUptime was 0 by options data of the exporter, ms since the Unix epoch; NaN where they did not tell. */
  readonly systemInitMs: number;
}

/** A record as an object; integers beyond ±(2^53 - 1) are bigint. */
export type ColumnarRecord = Record<string, unknown>;
/** Columns by name, without prototype. Those that no row has are not among them. */
export type ColumnarColumns = Readonly<Record<string, ColumnarColumn>>;

const FLOW_TYPES: Readonly<Record<number, string>> = {
  5: 'netflow_v5',
  7: 'netflow_v7',
  9: 'netflow_v9',
  10: 'ipfix',
};

/** One frame: rows of one layout. All memory is its own. */
export class ColumnarFrame {
  /** What it says about its columns. */
  readonly schema: ColumnarSchema;
  /** Rows, the same for all columns. */
  readonly rows: number;
  /** In row order; every row is in one. */
  readonly sets: readonly ColumnarSet[];
  /** Schema millrace: columns at the top level of the record. Schema iana: the fields. */
  readonly columns: ColumnarColumns;
  /** Schema millrace: columns of `ext`. */
  readonly ext: ColumnarColumns;
  /** In the order of the schema, null where no row has the column. */
  readonly values: readonly (ColumnarColumn | null)[];
  /** The same for the columns inside the group. */
  readonly grouped: readonly (ColumnarColumn | null)[];

  constructor(
    schema: ColumnarSchema,
    rows: number,
    sets: readonly ColumnarSet[],
    values: readonly (ColumnarColumn | null)[],
    grouped: readonly (ColumnarColumn | null)[],
  ) {
    this.schema = schema;
    this.rows = rows;
    this.sets = sets;
    this.values = values;
    this.grouped = grouped;
    const native = schema.schema === 'millrace';
    this.columns = byName(native ? values : grouped);
    this.ext = byName(native ? grouped : values);
  }

  /**
   * The records as their NDJSON lines would be parsed, but for integers beyond ±(2^53 - 1), which are bigint, and structured data
   * (RFC 6313), which is hex of its octets.
   */
  toObjects(): ColumnarRecord[] {
    const records: ColumnarRecord[] = [];
    const native = this.schema.schema === 'millrace';
    for (const set of this.sets) {
      const header = native ? millraceHeader(set) : ianaHeader(set);
      for (let row = set.rowStart; row < set.rowEnd; row++) {
        const record: ColumnarRecord = { ...header };
        addValues(record, this.values, row, set);
        const group: ColumnarRecord = {};
        const members = addValues(group, this.grouped, row, set);
        if (members > 0 || !native) record[this.schema.group] = group;
        records.push(record);
      }
    }
    return records;
  }
}

function byName(columns: readonly (ColumnarColumn | null)[]): ColumnarColumns {
  const named = Object.create(null) as Record<string, ColumnarColumn>;
  for (const column of columns) if (column !== null) named[column.name] = column;
  return named;
}

/** Returns how many values the row has. */
function addValues(
  record: ColumnarRecord,
  columns: readonly (ColumnarColumn | null)[],
  row: number,
  set: ColumnarSet,
): number {
  let count = 0;
  for (const column of columns) {
    const value = column?.valueAt(row, set);
    if (column === null || value === undefined) continue;
    record[column.name] = value;
    count++;
  }
  return count;
}

function millraceHeader(set: ColumnarSet): ColumnarRecord {
  return {
    flow_type: FLOW_TYPES[set.version],
    ...(set.options && { record: 'options' }),
    time_received: Math.floor(set.receivedAtMs),
    time_exported: Math.floor(set.exportTimeMs),
    exporter_addr: addressText(set.exporter, 0),
    exporter_port: set.exporterPort,
    observation_domain_id: set.observationDomainId,
    ...(set.templateId !== 0 && { template_id: set.templateId }),
    sequence: set.sequence,
  };
}

function ianaHeader(set: ColumnarSet): ColumnarRecord {
  return {
    exporter: addressText(set.exporter, 0),
    exporterPort: set.exporterPort,
    version: set.version,
    observationDomainId: set.observationDomainId,
    templateId: set.templateId,
    exportTimeMs: Math.floor(set.exportTimeMs),
    kind: set.options ? 'options' : 'data',
  };
}
