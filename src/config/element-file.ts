/** The file that --elements names: information elements in YAML. */
import { MillraceError } from '../base/errors.ts';
import { suggestion } from '../base/nearest.ts';
import { type Element, type ElementType, REVERSE_PEN } from '../elements/element.ts';
import { ElementRegistry, elementProblem, NameConflict } from '../elements/registry.ts';
import { parseInteger } from './values.ts';
import { readYaml, type YamlMap, type YamlNode, type YamlText, yamlError } from './yaml.ts';

const MAX_FILE_BYTES = 512 * 1024;

/** RFC 5610 section 3.10 and RFC 6313 section 11.2. */
const SEMANTICS = [
  'default',
  'quantity',
  'totalCounter',
  'deltaCounter',
  'identifier',
  'flags',
  'list',
  'snmpCounter',
  'snmpGauge',
];

/** Keys of an element. Semantics, units and description are for whoever reads the file; decoding does not depend on them. */
const REQUIRED = ['pen', 'id', 'name', 'type'];
const KEYS = [...REQUIRED, 'semantics', 'units', 'description'];

interface Defined {
  readonly element: Element;
  readonly at: YamlMap;
}

/** The elements of the file, none without a path. Rejects with MillraceError CONFIG_INVALID, with the line of the mistake. */
export async function readElements(path: string | undefined): Promise<Element[]> {
  if (path === undefined) return [];
  const root = await readYaml(path, MAX_FILE_BYTES);
  if (root.kind === 'text' && root.empty) return [];
  if (root.kind !== 'list') throw yamlError(path, root, 'allowed is a list of elements');
  const defined = root.items.map((item) => definedBy(path, item));
  checkConflicts(path, defined);
  return defined.map(({ element }) => element);
}

function definedBy(path: string, item: YamlNode): Defined {
  if (item.kind !== 'map') throw yamlError(path, item, `an element has the keys ${KEYS.join(', ')}`);
  const texts = new Map<string, YamlText>();
  for (const { key, value } of item.entries) {
    if (!KEYS.includes(key.text)) {
      const hint = suggestion(key.text, KEYS) || `; allowed are ${KEYS.join(', ')}`;
      throw yamlError(path, key, `unknown key ${JSON.stringify(key.text)}${hint}`);
    }
    if (value.kind !== 'text' || value.empty)
      throw yamlError(path, value, `${key.text}: allowed is one value`);
    texts.set(key.text, value);
  }
  for (const key of REQUIRED) if (!texts.has(key)) throw yamlError(path, item, `an element without ${key}`);
  const semantics = texts.get('semantics');
  if (semantics !== undefined && !SEMANTICS.includes(semantics.text)) {
    const allowed = `allowed are ${SEMANTICS.join(', ')}`;
    throw yamlError(path, semantics, `semantics ${JSON.stringify(semantics.text)}: ${allowed}`);
  }
  const number = (key: string): number => {
    const given = texts.get(key)!;
    const value = parseInteger(given.text);
    if (value !== undefined) return value;
    throw yamlError(path, given, `${key} ${JSON.stringify(given.text)}: allowed is a whole number`);
  };
  const element: Element = {
    pen: number('pen'),
    id: number('id'),
    name: texts.get('name')!.text,
    // elementProblem says whether it is one.
    type: texts.get('type')!.text as ElementType,
  };
  const problem = elementProblem(element);
  if (problem !== null) throw yamlError(path, item, problem);
  return { element, at: item };
}

/** Numbers and names that are taken: by another element of the file, or one that is built in. */
function checkConflicts(path: string, defined: readonly Defined[]): void {
  const seen = new Map<string, Defined>();
  for (const one of defined) {
    const { pen, id, name } = one.element;
    for (const [what, key] of [
      [`element ${pen}.${id}`, `${pen}.${id}`],
      [`name "${name}"`, name],
    ]) {
      const other = seen.get(key);
      if (other !== undefined)
        throw yamlError(path, one.at, `${what} is there already, in line ${other.at.line}`);
      seen.set(key, one);
    }
  }
  try {
    new ElementRegistry(defined.map(({ element }) => element));
  } catch (error) {
    if (!(error instanceof NameConflict)) throw error;
    // The reverse of an IANA element follows from the element itself.
    const keys = error.elements.map(({ pen, id }) => `${pen === REVERSE_PEN ? 0 : pen}.${id}`);
    const culprit = keys.flatMap((key) => seen.get(key) ?? [])[0];
    if (culprit === undefined) throw new MillraceError('CONFIG_INVALID', `${path}: ${error.message}`);
    throw yamlError(path, culprit.at, error.message);
  }
}
