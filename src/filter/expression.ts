import type { Cidr } from '../base/ip.ts';

/** A filter as parsed. Plain data; depth and size are bounded by the parser. */
export type Expression =
  | { readonly kind: 'any' }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] }
  /** Holds when the test holds for one of the fields. A field that the record does not have passes no test. */
  | { readonly kind: 'test'; readonly fields: readonly FieldRef[]; readonly test: ValueTest };

export interface FieldRef {
  /** Key of the native record (schema/record.ts), or one of DERIVED_FIELDS. */
  readonly key: string;
  /** Of a list: the position that counts; else all of them. */
  readonly index?: number;
}

/** Values that a filter knows beside those of the record, and the keys of the record they are made of. */
export const DERIVED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  /** Header version: 5, 7, 9 or 10. */
  version: [],
  /** Milliseconds from the first to the last packet; absent where the exporter sent no times to believe. */
  duration: ['time_flow_start', 'time_flow_end', 'time_source'],
  /** Packets and bits per second, octets per packet: rounded down, 0 where the divisor is 0. */
  pps: ['packets', 'time_flow_start', 'time_flow_end', 'time_source'],
  bps: ['bytes', 'time_flow_start', 'time_flow_end', 'time_source'],
  bpp: ['bytes', 'packets'],
  /** Of v5, in whose header they are; absent elsewhere. */
  engine_type: ['observation_domain_id'],
  engine_id: ['observation_domain_id'],
};

export const COMPARATORS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Comparator = (typeof COMPARATORS)[number];

export type ValueTest =
  | { readonly is: 'compared'; readonly comparator: Comparator; readonly value: number }
  | { readonly is: 'one-of'; readonly values: ReadonlySet<number> }
  /** All bits of the mask are set. */
  | { readonly is: 'bits'; readonly mask: number }
  | { readonly is: 'within'; readonly ranges: readonly Cidr[] };

/** The keys of the native record that an expression looks at. */
export function keysOf(expression: Expression, into = new Set<string>()): ReadonlySet<string> {
  switch (expression.kind) {
    case 'any':
      break;
    case 'not':
      keysOf(expression.of, into);
      break;
    case 'and':
    case 'or':
      for (const part of expression.of) keysOf(part, into);
      break;
    case 'test':
      for (const { key } of expression.fields)
        for (const needed of DERIVED_FIELDS[key] ?? [key]) into.add(needed);
  }
  return into;
}
