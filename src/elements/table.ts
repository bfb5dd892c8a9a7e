import type { ElementType } from './element.ts';

/** One element of a table whose enterprise number is stated elsewhere. */
export type ElementRow = readonly [id: number, name: string, type: ElementType];

/** Elements of one enterprise. Names carry a vendor prefix (CERT's where IANA has the name too), so that keys stay unique. */
export interface VendorTable {
  readonly pen: number;
  /** NetFlow v9 has no enterprise numbers; this vendor sends its elements there as field type `netflow9Offset` + id. */
  readonly netflow9Offset?: number;
  /** Elements with a reverse direction of their own (RFC 5103 section 6.2): `offset` + id is the reverse of id. */
  readonly reverse?: { readonly offset: number; readonly ids: readonly number[] };
  readonly rows: readonly ElementRow[];
}
