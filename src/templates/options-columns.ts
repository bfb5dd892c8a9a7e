import type { FlowBatch } from '../decode/batch.ts';
import type { Column, Plan } from '../decode/plan.ts';
import { StateKind } from './state-block.ts';

/** Where options records of one layout hold what exporter state is made of: column positions, -1 for none. */
export interface OptionsColumns {
  /** Whether records of this layout tell anything. */
  readonly useful: boolean;
  readonly sampler: number;
  readonly selector: number;
  readonly template: number;
  readonly interface: number;
  /** Whether everything in the scope stands for the exporter as a whole. */
  readonly systemWide: boolean;
  readonly rate: RateColumns | null;
  readonly systemInitMs: number;
  readonly names: readonly NameColumns[];
}

/** Elements from which a sampling rate can be computed. */
export interface RateColumns {
  readonly algorithm: number;
  readonly packetInterval: number;
  readonly packetSpace: number;
  readonly size: number;
  readonly population: number;
  readonly probability: number;
  readonly randomInterval: number;
  readonly interval: number;
}

export interface NameColumns {
  /** One of StateKind. */
  readonly kind: number;
  readonly key: number;
  readonly text: number;
}

/** Scope types of RFC 3954 section 6.1; not information elements. */
const V9_SCOPE_SYSTEM = 1;
const V9_SCOPE_INTERFACE = 2;
const V9_SCOPE_TEMPLATE = 5;

/**
 * Scopes that cover the exporter or all of the domain: exporterIPv4Address, exporterIPv6Address, meteringProcessId,
 * exportingProcessId, observationDomainId. A line card or an observation point is a part, and nothing in a flow record
 * says which.
 */
const SYSTEM_SCOPES = new Set([130, 131, 143, 144, 149]);

const known = new WeakMap<Plan, OptionsColumns>();

/** Computed once per plan. */
export function optionsColumns(plan: Plan): OptionsColumns {
  let columns = known.get(plan);
  if (columns === undefined) {
    columns = find(plan);
    known.set(plan, columns);
  }
  return columns;
}

function find(plan: Plan): OptionsColumns {
  const v9 = plan.layout.dialect === 9;
  const isScopeType = (column: Column): boolean => v9 && column.scope;
  const scopeType = (type: number): number =>
    plan.columns.findIndex((column) => isScopeType(column) && column.id === type);
  /** The first of these elements in the scope, else the first of them anywhere. */
  const element = (...ids: number[]): number => {
    const positions = ids.map((id) =>
      plan.columns.findIndex(
        (column) => column.scope && !isScopeType(column) && column.pen === 0 && column.id === id,
      ),
    );
    for (const id of ids) {
      positions.push(
        plan.columns.findIndex((column) => !column.scope && column.pen === 0 && column.id === id),
      );
    }
    return positions.find((position) => position >= 0) ?? -1;
  };
  const first = (...positions: number[]): number => positions.find((position) => position >= 0) ?? -1;

  const sampler = element(48);
  const selector = element(302);
  const flowInterface = first(scopeType(V9_SCOPE_INTERFACE), element(10, 14));
  const anyInterface = first(flowInterface, element(252, 253));
  const vrf = element(234, 235);
  const application = element(95);
  const names: NameColumns[] = [];
  const name = (kind: number, key: number, text: number): void => {
    if (key >= 0 && text >= 0) names.push({ kind, key, text });
  };
  name(StateKind.interfaceName, anyInterface, element(82));
  name(StateKind.interfaceDescription, anyInterface, element(83));
  name(StateKind.vrfName, vrf, element(236));
  name(StateKind.applicationName, application, element(96));
  name(StateKind.applicationDescription, application, element(94));
  // IOS XR sends samplerName with a selectorId.
  name(StateKind.samplerName, sampler, element(84));
  name(StateKind.selectorName, selector, first(element(335), sampler < 0 ? element(84) : -1));

  const rateColumns: RateColumns = {
    algorithm: first(element(304), element(49), element(35)),
    packetInterval: element(305),
    packetSpace: element(306),
    size: element(309),
    population: element(310),
    probability: element(311),
    randomInterval: element(50),
    interval: element(34),
  };
  const { algorithm: _, ...values } = rateColumns;
  const rate = Object.values(values).some((position) => position >= 0) ? rateColumns : null;
  const systemInitMs = element(160);
  return {
    useful: rate !== null || systemInitMs >= 0 || names.length > 0,
    sampler,
    selector,
    template: first(scopeType(V9_SCOPE_TEMPLATE), element(145)),
    interface: flowInterface,
    systemWide: plan.columns.every(
      (column) =>
        !column.scope ||
        (isScopeType(column)
          ? column.id === V9_SCOPE_SYSTEM
          : column.pen === 0 && SYSTEM_SCOPES.has(column.id)),
    ),
    rate,
    systemInitMs,
    names,
  };
}

/** The number in a column; NaN when there is no such column or it holds no number. Inexact beyond 2^53. */
export function numberAt(batch: FlowBatch, column: number, row: number): number {
  if (column < 0) return Number.NaN;
  const data = batch.columns[column];
  switch (batch.plan.columns[column].storage) {
    case 'u32':
      return data.lo[row];
    case 'i32':
      return data.lo[row] | 0;
    case 'u64':
      return data.hi[row] * 2 ** 32 + data.lo[row];
    case 'i64':
      return (data.hi[row] | 0) * 2 ** 32 + data.lo[row];
    case 'f64':
      return data.f64[row];
    default:
      return Number.NaN;
  }
}
