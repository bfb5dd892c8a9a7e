import { MillraceError } from '../base/errors.ts';
import { ELEMENT_TYPES, type Element, type ElementLookup, REVERSE_PEN, STRUCTURED_TYPES } from './element.ts';
import { IANA_ELEMENTS } from './iana.generated.ts';
import { VENDOR_TABLES } from './vendors.ts';

/** Elements of pen 0 below this id are found by index; the IANA registry grows by some tens of ids a year. */
const INDEXED_IDS = 1024;

/** Largest element id of IPFIX: the top bit of the field says whether an enterprise number follows. */
const MAX_IPFIX_ID = 0x7fff;
const MAX_NETFLOW9_TYPE = 0xffff;
const MAX_PEN = 0xffffffff;

/** Names become keys of records; an unknown element is keyed `<pen>.<id>`, so a name never starts with a digit. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;

type ById = Map<number, Element>;

/**
 * The dictionary of information elements: the IANA registry, vendor tables, and what follows from them by rule. Every
 * name stands for one element. Immutable once built; built in every thread that learns templates.
 */
export class ElementRegistry implements ElementLookup {
  private readonly indexed: (Element | undefined)[];
  private readonly byPen: ReadonlyMap<number, ReadonlyMap<number, Element>>;

  /** `extra` adds elements and replaces those with the same enterprise number and id; CONFIG_INVALID if one is unusable. */
  constructor(extra: readonly Element[] = []) {
    const byPen = new Map<number, ById>();
    for (const [id, name, type] of IANA_ELEMENTS) define(byPen, { pen: 0, id, name, type });
    for (const { pen, rows } of VENDOR_TABLES) {
      for (const [id, name, type] of rows) define(byPen, { pen, id, name, type });
    }
    for (const element of extra) define(byPen, checked(element));
    deriveReverse(byPen);
    deriveNetflow9(byPen);
    checkNames(byPen);
    // All decoders of a process look at the same elements.
    for (const elements of byPen.values()) for (const element of elements.values()) Object.freeze(element);
    this.byPen = byPen;
    this.indexed = Array.from({ length: INDEXED_IDS }, (_, id) => byPen.get(0)?.get(id));
  }

  lookup(pen: number, id: number): Element | undefined {
    if (pen === 0 && id < INDEXED_IDS) return this.indexed[id];
    return this.byPen.get(pen)?.get(id);
  }

  /** Every element once, ordered by enterprise number and id. */
  *[Symbol.iterator](): IterableIterator<Element> {
    for (const pen of [...this.byPen.keys()].sort((a, b) => a - b)) {
      const elements = [...(this.byPen.get(pen) ?? [])];
      for (const [id, element] of elements.sort(([a], [b]) => a - b)) {
        // NetFlow v9 numbers of vendor elements lead to elements that are listed under their own number.
        if (element.pen === pen && element.id === id) yield element;
      }
    }
  }
}

function define(byPen: Map<number, ById>, element: Element): void {
  elementsOf(byPen, element.pen).set(element.id, element);
}

function elementsOf(byPen: Map<number, ById>, pen: number): ById {
  let elements = byPen.get(pen);
  if (elements === undefined) byPen.set(pen, (elements = new Map()));
  return elements;
}

/**
 * RFC 5103 section 6.1: enterprise number 29305 turns an IANA element round. The RFC calls some elements not reversible;
 * they get a reverse name all the same, because an exporter that sends one nevertheless must be readable.
 */
function deriveReverse(byPen: Map<number, ById>): void {
  const reverse = elementsOf(byPen, REVERSE_PEN);
  for (const { id, name, type } of elementsOf(byPen, 0).values()) {
    if (id > MAX_IPFIX_ID || reverse.has(id)) continue;
    reverse.set(id, { pen: REVERSE_PEN, id, name: reverseName(name), type });
  }
  for (const { pen, reverse: rule } of VENDOR_TABLES) {
    if (rule === undefined) continue;
    const elements = elementsOf(byPen, pen);
    for (const forwardId of rule.ids) {
      const forward = elements.get(forwardId);
      const id = rule.offset + forwardId;
      if (forward === undefined || elements.has(id)) continue;
      elements.set(id, { pen, id, name: reverseName(forward.name), type: forward.type });
    }
  }
}

function reverseName(name: string): string {
  return `reverse${name[0].toUpperCase()}${name.slice(1)}`;
}

/** A vendor element has the same name and type whether it comes in IPFIX or, under another number, in NetFlow v9. */
function deriveNetflow9(byPen: Map<number, ById>): void {
  const types = elementsOf(byPen, 0);
  for (const { pen, netflow9Offset } of VENDOR_TABLES) {
    if (netflow9Offset === undefined) continue;
    for (const element of elementsOf(byPen, pen).values()) {
      const type = netflow9Offset + element.id;
      if (type <= MAX_NETFLOW9_TYPE && !types.has(type)) types.set(type, element);
    }
  }
}

function checked(element: Element): Element {
  const problem = elementProblem(element);
  if (problem !== null) throw new MillraceError('CONFIG_INVALID', problem);
  const { pen, id, name, type } = element;
  return { pen, id, name, type };
}

/** What keeps an element from being used, in one line; null when nothing does. */
export function elementProblem({ pen, id, name, type }: Element): string | null {
  const label = `element ${pen}.${id}`;
  if (!Number.isInteger(pen) || pen < 0 || pen > MAX_PEN) {
    return `${label}: the enterprise number must be 0 to ${MAX_PEN}`;
  }
  const maxId = pen === 0 ? MAX_NETFLOW9_TYPE : MAX_IPFIX_ID;
  if (!Number.isInteger(id) || id < 0 || id > maxId) return `${label}: the id must be 0 to ${maxId}`;
  if (!NAME.test(name)) {
    return `${label}: ${JSON.stringify(name)} is not a name (a letter, then letters, digits, _ or -)`;
  }
  if (ELEMENT_TYPES.includes(type)) return null;
  return `${label}: ${JSON.stringify(type)} is not a type of RFC 7011 or RFC 6313`;
}

/** Two elements with one name. */
export class NameConflict extends MillraceError {
  readonly elements: readonly [Element, Element];

  constructor(a: Element, b: Element) {
    const both = `${a.pen}.${a.id} and ${b.pen}.${b.id}`;
    super('CONFIG_INVALID', `elements ${both} have the same name "${a.name}"`);
    this.elements = [a, b];
  }
}

/** Values are keyed by name, so two elements with one name would run into each other in a record. */
function checkNames(byPen: ReadonlyMap<number, ById>): void {
  const owners = new Map<string, Element>();
  for (const elements of byPen.values()) {
    for (const element of elements.values()) {
      const owner = owners.get(element.name);
      if (owner === undefined) owners.set(element.name, element);
      else if (owner !== element) throw new NameConflict(owner, element);
    }
  }
}

/** Everything built in. */
export const standardElements: ElementRegistry = new ElementRegistry();

/** Everything built in, with these added or in place of those with the same enterprise number and id. */
export function elementsWith(extra: readonly Element[]): ElementRegistry {
  return extra.length === 0 ? standardElements : new ElementRegistry(extra);
}

/** The dictionary in use; another may take its place at a moment when nothing that was made with it is in work. */
export class CurrentElements implements ElementLookup {
  registry: ElementRegistry;

  constructor(registry: ElementRegistry) {
    this.registry = registry;
  }

  lookup(pen: number, id: number): Element | undefined {
    return this.registry.lookup(pen, id);
  }
}

/** Whether the same elements have structured types in both: layouts that are known depend on nothing else of elements. */
export function isStructuredAlike(a: ElementRegistry, b: ElementRegistry): boolean {
  const structured = (registry: ElementRegistry): string[] =>
    [...registry].filter(({ type }) => STRUCTURED_TYPES.has(type)).map(({ pen, id }) => `${pen}.${id}`);
  return structured(a).join() === structured(b).join();
}
