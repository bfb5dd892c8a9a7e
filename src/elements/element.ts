/** Abstract data types of RFC 7011 section 6.1 and RFC 6313, by their registry names. */
export const ELEMENT_TYPES = [
  'octetArray',
  'unsigned8',
  'unsigned16',
  'unsigned32',
  'unsigned64',
  'unsigned256',
  'signed8',
  'signed16',
  'signed32',
  'signed64',
  'float32',
  'float64',
  'boolean',
  'macAddress',
  'string',
  'dateTimeSeconds',
  'dateTimeMilliseconds',
  'dateTimeMicroseconds',
  'dateTimeNanoseconds',
  'ipv4Address',
  'ipv6Address',
  'basicList',
  'subTemplateList',
  'subTemplateMultiList',
] as const;
/** One of ELEMENT_TYPES. */
export type ElementType = (typeof ELEMENT_TYPES)[number];

/** Types that hold records of their own (RFC 6313). */
export const STRUCTURED_TYPES: ReadonlySet<ElementType> = new Set([
  'basicList',
  'subTemplateList',
  'subTemplateMultiList',
]);

/** An information element: what a field of a record means. */
export interface Element {
  /** Private enterprise number, 0 for the IANA registry. */
  readonly pen: number;
  /** Element id without the enterprise bit; NetFlow v9 field types up to 65535 share the IANA registry. */
  readonly id: number;
  /** Key of its values in records. */
  readonly name: string;
  /** Abstract data type. */
  readonly type: ElementType;
}

/** Enterprise number under which RFC 5103 numbers the reverse direction of IANA elements. */
export const REVERSE_PEN = 29305;

/** Finds elements. Implementations must be pure: the same question, the same answer, in every thread. */
export interface ElementLookup {
  /** Undefined for an element that is not known. */
  lookup(pen: number, id: number): Element | undefined;
}
