import type { TemplateResolver } from '../decode/batch.ts';
import type { Layout } from '../decode/layout.ts';
import { createPlan, type Plan } from '../decode/plan.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { Scope } from './scope.ts';

/** The layouts of a scope as they are at a moment, for structured data that is read later. Never changes. */
export class TemplateSnapshot implements TemplateResolver {
  /** Of the scope; while it has this one, the snapshot is up to date. */
  readonly revision: number;
  readonly #elements: ElementLookup;
  readonly #layouts = new Map<number, Layout>();
  readonly #plans = new Map<number, Plan>();

  constructor(scope: Scope, elements: ElementLookup) {
    this.revision = scope.revision;
    this.#elements = elements;
    for (const { templateId, layout } of scope.templates.values()) this.#layouts.set(templateId, layout);
  }

  plan(templateId: number): Plan | undefined {
    const known = this.#plans.get(templateId);
    if (known !== undefined) return known;
    const layout = this.#layouts.get(templateId);
    if (layout === undefined) return undefined;
    const plan = createPlan(layout, this.#elements);
    this.#plans.set(templateId, plan);
    return plan;
  }
}
