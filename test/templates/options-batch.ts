import { FlowBatch, type SetContext } from '../../src/decode/batch.ts';
import { createLayout, type Dialect } from '../../src/decode/layout.ts';
import { createPlan } from '../../src/decode/plan.ts';
import type { ElementLookup, ElementType } from '../../src/elements/element.ts';

/** The elements these tests speak of, by id. */
const ELEMENTS: Record<number, [name: string, type: ElementType]> = {
  2: ['packetDeltaCount', 'unsigned64'],
  10: ['ingressInterface', 'unsigned32'],
  14: ['egressInterface', 'unsigned32'],
  34: ['samplingInterval', 'unsigned32'],
  35: ['samplingAlgorithm', 'unsigned8'],
  48: ['samplerId', 'unsigned8'],
  49: ['samplerMode', 'unsigned8'],
  50: ['samplerRandomInterval', 'unsigned32'],
  82: ['interfaceName', 'string'],
  83: ['interfaceDescription', 'string'],
  84: ['samplerName', 'string'],
  94: ['applicationDescription', 'string'],
  95: ['applicationId', 'octetArray'],
  96: ['applicationName', 'string'],
  141: ['lineCardId', 'unsigned32'],
  143: ['meteringProcessId', 'unsigned32'],
  144: ['exportingProcessId', 'unsigned32'],
  145: ['templateId', 'unsigned16'],
  149: ['observationDomainId', 'unsigned32'],
  160: ['systemInitTimeMilliseconds', 'dateTimeMilliseconds'],
  234: ['ingressVRFID', 'unsigned32'],
  235: ['egressVRFID', 'unsigned32'],
  236: ['VRFname', 'string'],
  252: ['ingressPhysicalInterface', 'unsigned32'],
  253: ['egressPhysicalInterface', 'unsigned32'],
  302: ['selectorId', 'unsigned64'],
  304: ['selectorAlgorithm', 'unsigned16'],
  305: ['samplingPacketInterval', 'unsigned32'],
  306: ['samplingPacketSpace', 'unsigned32'],
  309: ['samplingSize', 'unsigned32'],
  310: ['samplingPopulation', 'unsigned32'],
  311: ['samplingProbability', 'float64'],
  335: ['selectorName', 'string'],
};

const elements: ElementLookup = {
  lookup(pen, id) {
    const known = pen === 0 ? ELEMENTS[id] : undefined;
    return known && { pen, id, name: known[0], type: known[1] };
  },
};

/** The last one has a value for every storage. */
export type Cell = number | bigint | string | Uint8Array | { octets: Uint8Array; real: number; word: bigint };

let lastUid = 0;

/**
 * A batch of one set with these rows, as a decoder would have filled it. fields: element id (or v9 scope type), octets on
 * the wire and, if any, enterprise number; the scope in front of a bar: `149/4 | 34/4 7/2@9`.
 */
export function optionsBatch(
  dialect: Dialect,
  fields: string,
  ...rows: Cell[][]
): { batch: FlowBatch; set: SetContext } {
  const texts = fields.split(' ');
  const scopes = Math.max(texts.indexOf('|'), 0);
  const specifiers = texts
    .filter((text) => text !== '|')
    .map((text) => {
      const [id, length, pen = 0] = text.split(/[/@]/).map(Number);
      return { id, length, pen };
    });
  const plan = createPlan(createLayout(++lastUid, dialect, scopes, specifiers, elements), elements);
  const batch = new FlowBatch(plan, rows.length);
  const set = batch.beginSet();
  set.version = dialect;
  set.options = true;
  for (const row of rows) {
    for (const [i, cell] of row.entries()) setCell(batch, i, batch.rows, cell);
    batch.rows++;
  }
  set.rowEnd = batch.rows;
  return { batch, set };
}

function setCell(batch: FlowBatch, column: number, row: number, cell: Cell): void {
  const data = batch.columns[column];
  const { storage } = batch.plan.columns[column];
  const any = typeof cell === 'object' && 'octets' in cell ? cell : null;
  if (storage === 'heap') {
    const bytes = any?.octets ?? (typeof cell === 'string' ? Buffer.from(cell) : (cell as Uint8Array));
    const at = batch.reserveHeap(bytes.length);
    batch.heap.set(bytes, at);
    batch.heapUsed += bytes.length;
    data.lo[row] = at;
    data.hi[row] = bytes.length;
  } else if (storage === 'f64') {
    data.f64[row] = any?.real ?? (cell as number);
  } else {
    const word = any?.word ?? BigInt(cell as number | bigint);
    data.lo[row] = Number(word & 0xffffffffn);
    if (storage === 'u64' || storage === 'i64') data.hi[row] = Number(word >> 32n);
  }
}
