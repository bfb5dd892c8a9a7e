import { countText } from '../../base/count-text.ts';
import { planSource } from '../../decode/compile.ts';
import type { Layout } from '../../decode/layout.ts';
import { createPlan } from '../../decode/plan.ts';
import { IGNORE_ALL } from '../../dispatch/ignore-all.ts';
import { DEFAULT_SCANNER_OPTIONS, type ScanHandler, Scanner } from '../../dispatch/scanner.ts';
import type { ElementLookup } from '../../elements/element.ts';
import { openCapture } from '../../receive/capture/capture.ts';
import type { Scope, TemplateEntry } from '../../templates/scope.ts';
import { LOCAL_ENTRIES } from '../../templates/template-registry.ts';

/** Prints the code that is made for each record layout of a capture. */
export async function inspectPlan(file: string, elements: ElementLookup): Promise<void> {
  for (const [layout, names] of await layoutsOf(file, elements)) {
    process.stdout.write(`${describe(layout, names, elements)}\n`);
  }
}

/** Every layout of the file in the order of its first use, with the templates that have it. */
async function layoutsOf(file: string, elements: ElementLookup): Promise<Map<Layout, Set<string>>> {
  const layouts = new Map<Layout, Set<string>>();
  const note = (layout: Layout, name: string): void => {
    const names = layouts.get(layout);
    if (names === undefined) layouts.set(layout, new Set([name]));
    else names.add(name);
  };
  const handler: ScanHandler<null> = {
    ...IGNORE_ALL,
    companion: () => null,
    bound: ({ layout, templateId }: TemplateEntry) => {
      if (layout.dialect < 9) note(layout, `version ${layout.dialect}`);
      else note(layout, `template ${templateId}`);
    },
    template: (scope: Scope<null> | undefined, action, kind, templateId) => {
      const entry = scope?.templates.get(templateId);
      if (entry !== undefined && action !== 'refused') note(entry.layout, `${kind} template ${templateId}`);
    },
  };
  const options = { ...DEFAULT_SCANNER_OPTIONS, pending: null, templateTtlMs: Number.POSITIVE_INFINITY };
  const scanner = new Scanner<null>(options, elements, LOCAL_ENTRIES, handler);
  const capture = await openCapture(file);
  for await (const batch of capture.batches()) {
    for (const { payload, address, port } of batch) {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      scanner.scan(view, payload, 0, payload.length, address, 0, port);
    }
  }
  return layouts;
}

function describe(layout: Layout, names: ReadonlySet<string>, elements: ElementLookup): string {
  const plan = createPlan(layout, elements);
  const shown = [...names].slice(0, 5).join(', ');
  const fields = plan.columns.map(({ key, length, storage }, i) => {
    const octets = length === 0xffff ? 'variable' : countText(length, 'octet');
    return `//   ${String(i).padStart(3)}  ${key}, ${octets}, ${storage}`;
  });
  const source = planSource(plan) ?? '// too large: this layout is interpreted';
  return [
    `// ${shown}${names.size > 5 ? ' and more' : ''}: ${countText(fields.length, 'column')}`,
    ...fields,
    source,
  ].join('\n');
}
