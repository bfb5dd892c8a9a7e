import { StateKind } from './state-block.ts';
import type { StateTable } from './state-table.ts';

/** Exporter state for people. Lists are in the order of their ids; what is not known is absent. */
export interface ExporterStateDescription {
  /** Packets per sampled packet for the exporter as a whole. */
  samplingRate?: number;
  /** samplingAlgorithm or selectorAlgorithm as sent. */
  samplingAlgorithm?: number;
  /** Milliseconds since the Unix epoch. */
  systemInitTimeMilliseconds?: number;
  samplers: SamplingDescription[];
  selectors: SamplingDescription[];
  templates: SamplingDescription[];
  interfaces: InterfaceDescription[];
  vrfs: { id: number; name?: string }[];
  /** id: hex of the octets. */
  applications: { id: string; name?: string; description?: string }[];
}

export interface SamplingDescription {
  id: number;
  samplingRate?: number;
  samplingAlgorithm?: number;
  name?: string;
}

export interface InterfaceDescription extends SamplingDescription {
  description?: string;
}

type Section = 'samplers' | 'selectors' | 'templates' | 'interfaces' | 'vrfs' | 'applications';
type Part = 'samplingRate' | 'name' | 'description';
type Item = { id: number | string; samplingAlgorithm?: number } & { [part in Part]?: string | number };

/** Where the entries of each kind are shown. */
const PLACES: readonly (readonly [kind: number, section: Section, part: Part])[] = [
  [StateKind.samplerRate, 'samplers', 'samplingRate'],
  [StateKind.selectorRate, 'selectors', 'samplingRate'],
  [StateKind.interfaceRate, 'interfaces', 'samplingRate'],
  [StateKind.templateRate, 'templates', 'samplingRate'],
  [StateKind.interfaceName, 'interfaces', 'name'],
  [StateKind.interfaceDescription, 'interfaces', 'description'],
  [StateKind.vrfName, 'vrfs', 'name'],
  [StateKind.applicationName, 'applications', 'name'],
  [StateKind.applicationDescription, 'applications', 'description'],
  [StateKind.samplerName, 'samplers', 'name'],
  [StateKind.selectorName, 'selectors', 'name'],
];
const placeOf = new Map(PLACES.map(([kind, section, part]) => [kind, { section, part }]));

const utf8 = new TextDecoder();

export function describeTable(table: StateTable | null, systemAlgorithm: number): ExporterStateDescription {
  const sections: Record<Section, Map<number | string, Item>> = {
    samplers: new Map(),
    selectors: new Map(),
    templates: new Map(),
    interfaces: new Map(),
    vrfs: new Map(),
    applications: new Map(),
  };
  table?.forEach((kind, key, value) => {
    const { section, part } = placeOf.get(kind)!;
    const id = section === 'applications' ? Buffer.from(key).toString('hex') : numberKey(key);
    let item = sections[section].get(id);
    if (item === undefined) sections[section].set(id, (item = { id }));
    if (part !== 'samplingRate') {
      item[part] = utf8.decode(value);
      return;
    }
    const view = new DataView(value.buffer, value.byteOffset);
    item.samplingRate = view.getFloat64(0);
    if (view.getUint32(8) !== 0) item.samplingAlgorithm = view.getUint32(8);
  });
  const lists = Object.fromEntries(
    Object.entries(sections).map(([section, items]) => [section, [...items.values()].sort(byId)]),
  );
  return { ...systemPart(table, systemAlgorithm), ...lists } as unknown as ExporterStateDescription;
}

function systemPart(table: StateTable | null, algorithm: number): Partial<ExporterStateDescription> {
  const part: Partial<ExporterStateDescription> = {};
  if (table === null) return part;
  if (table.systemRate > 0) part.samplingRate = table.systemRate;
  if (algorithm > 0) part.samplingAlgorithm = algorithm;
  if (!Number.isNaN(table.systemInitMs)) part.systemInitTimeMilliseconds = table.systemInitMs;
  return part;
}

function numberKey(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}

function byId(a: Item, b: Item): number {
  return a.id < b.id ? -1 : 1;
}
