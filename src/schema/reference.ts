/** What is generated from the record table: its reference page, a JSON Schema of the NDJSON lines, and a ClickHouse table. */
import { standardElements } from '../elements/registry.ts';
import { type ElementRef, EXTENSION_KEY, type FieldType, RECORD, type RecordField } from './record.ts';

interface TypeReference {
  /** What the type is, and how it is written as JSON and as MessagePack. */
  readonly page: readonly [meaning: string, json: string, msgpack: string];
  readonly schema: object;
  readonly clickhouse: string;
}

const SAFE = Number.MAX_SAFE_INTEGER;

function unsigned(bits: 8 | 16 | 32): TypeReference {
  return {
    page: [`integer of ${bits} bits`, 'number', 'integer'],
    schema: { type: 'integer', minimum: 0, maximum: 2 ** bits - 1 },
    clickhouse: `UInt${bits}`,
  };
}

const TYPES: Readonly<Record<FieldType, TypeReference>> = {
  u8: unsigned(8),
  u16: unsigned(16),
  u32: unsigned(32),
  u64: {
    page: ['integer of 64 bits', 'number, text beyond 2^53 - 1', 'integer'],
    schema: {
      anyOf: [
        { type: 'integer', minimum: 0, maximum: SAFE },
        { type: 'string', pattern: '^[0-9]{16,20}$' },
      ],
    },
    clickhouse: 'UInt64',
  },
  rate: {
    page: ['positive number', 'number', 'integer, float64 with a fraction'],
    schema: { type: 'number', exclusiveMinimum: 0 },
    clickhouse: 'Float64',
  },
  text: { page: ['text', 'text', 'string'], schema: { type: 'string' }, clickhouse: 'String' },
  word: {
    page: ['one of a few words', 'text', 'string'],
    schema: { type: 'string' },
    clickhouse: 'LowCardinality(String)',
  },
  address: {
    page: ['IPv4 or IPv6 address', 'text', 'string'],
    schema: {
      anyOf: [
        { type: 'string', format: 'ipv4' },
        { type: 'string', format: 'ipv6' },
      ],
    },
    clickhouse: 'IPv6',
  },
  mac: {
    page: ['MAC address', 'text such as `00:00:5e:00:53:01`', 'string'],
    schema: { type: 'string', pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' },
    clickhouse: 'String',
  },
  time: {
    page: ['point in time since the Unix epoch', 'number of milliseconds', 'integer of nanoseconds'],
    schema: { type: 'integer' },
    clickhouse: 'DateTime64(3)',
  },
  labels: {
    page: ['list of integers of 32 bits', 'array of numbers', 'array of integers'],
    schema: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 } },
    clickhouse: 'Array(UInt32)',
  },
};

/** Header values that some records do not have. */
const OPTIONAL_HEADERS: readonly string[] = ['record', 'template_id'];

function isAlwaysThere({ key, rule }: RecordField): boolean {
  return rule === 'header' && !OPTIONAL_HEADERS.includes(key);
}

const INTRODUCTION = `# Records

Generated from the record table (\`src/schema/record.ts\`); \`npm run generate:docs\` writes it anew.

One record is one flow, or with \`options=true\` one options record. These are the keys of the schema \`millrace\`, the default, in the
order in which they are written. Absent is absent: a key is there only when the exporter sent the value, or options data gave
it. What no key takes is in the object \`${EXTENSION_KEY}\` under its IANA name, or \`<enterprise>.<id>\` when nobody has named it.

\`core\` keys are attempted for every flow, \`extended\` ones are there where exporters send them. Of several elements the first that
the template has and whose type fits is taken; for two forms of an address it is the one that the record has.

[record.schema.json](record.schema.json) is a JSON Schema of the NDJSON lines. [record.clickhouse.sql](record.clickhouse.sql) makes a
table that takes these lines as \`JSONEachRow\`, [outputs.md](outputs.md#clickhouse) shows how; how frames of \`format=columnar\` hold
them is in [columnar.md](columnar.md). The schema \`iana\` is the other way round: every field by its IANA name, as it was sent.
`;

/** docs/records.md. */
export function recordsPage(): string {
  const types = Object.entries(TYPES).map(([name, { page }]) => row([`\`${name}\``, ...page]));
  const keys = RECORD.map((field) => {
    const words = field.words === undefined ? '' : `: ${field.words.map((word) => `\`${word}\``).join(', ')}`;
    return row([`\`${field.key}\``, field.type, field.tier, sourceOf(field), meaningOf(field) + words]);
  });
  return [
    INTRODUCTION,
    `## Keys\n\n| key | type | | from | meaning |\n|---|---|---|---|---|\n${keys.join('\n')}\n`,
    `## Types\n\n| type | is | in NDJSON | in MessagePack |\n|---|---|---|---|\n${types.join('\n')}\n`,
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** The description with the unit, where it does not say that itself. */
function meaningOf({ description, unit }: RecordField): string {
  const said = unit === undefined || description.toLowerCase().startsWith(unit);
  return said ? description : `${description} (${unit})`;
}

function sourceOf({ rule, type, elements }: RecordField): string {
  if (rule === 'header') return 'header';
  if (elements === undefined) return type === 'word' ? 'computed' : 'options data';
  return elements.map(nameOf).join(', ');
}

function nameOf(ref: ElementRef): string {
  const [enterprise, id] = typeof ref === 'number' ? [0, ref] : ref;
  const number = enterprise === 0 ? `${id}` : `${enterprise}.${id}`;
  const name = standardElements.lookup(enterprise, id)?.name;
  return name === undefined ? number : `${name} (${number})`;
}

/** docs/record.schema.json. */
export function recordSchema(): object {
  const properties = RECORD.map((field) => [field.key, propertyOf(field)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace flow record',
    type: 'object',
    additionalProperties: false,
    required: RECORD.filter(isAlwaysThere).map(({ key }) => key),
    properties: {
      ...Object.fromEntries(properties),
      [EXTENSION_KEY]: { description: 'Everything that no other key takes, by IANA name', type: 'object' },
    },
  };
}

function propertyOf(field: RecordField): object {
  const { type, words } = field;
  return { description: meaningOf(field), ...TYPES[type].schema, ...(words && { enum: words }) };
}

const TABLE_COMMENT = `-- Generated from the record table (src/schema/record.ts); npm run generate:docs writes it anew.
-- Takes NDJSON lines of the schema millrace as JSONEachRow. IPv4 addresses are IPv4-mapped in columns of type IPv6.
`;

/** docs/record.clickhouse.sql. */
export function clickhouseTable(): string {
  const columns = RECORD.map((field) => `  ${field.key} ${columnType(field)} COMMENT '${field.description}'`);
  columns.push(`  ${EXTENSION_KEY} String COMMENT 'JSON of everything that no other column takes'`);
  return `${TABLE_COMMENT}CREATE TABLE flows
(
${columns.join(',\n')}
)
ENGINE = MergeTree
PARTITION BY toDate(time_received)
ORDER BY (exporter_addr, time_received);
`;
}

function columnType(field: RecordField): string {
  const { clickhouse } = TYPES[field.type];
  if (isAlwaysThere(field) || clickhouse.startsWith('Array')) return clickhouse;
  const inside = /^LowCardinality\((.*)\)$/.exec(clickhouse);
  return inside === null ? `Nullable(${clickhouse})` : `LowCardinality(Nullable(${inside[1]}))`;
}
