import type { ExporterState } from '../templates/exporter-state.ts';
import type { Scope } from '../templates/scope.ts';
import { STORE_LIMITS } from '../templates/store.ts';

export interface KnownTemplate {
  /** As it is in the store, or on its way there. */
  value: Uint8Array;
  /** When it was last announced, milliseconds since the Unix epoch. */
  seenAtMs: number;
}

/** All that is known of a scope, whether its exporter sends to this collector or not. */
export interface SharedScope {
  readonly name: string;
  readonly templates: Map<number, KnownTemplate>;
  state: ExporterState | null;
  /** The scope here; null while its exporter has not been seen, or was silent for long. */
  live: SharingScope | null;
}

/** What the owner of scopes keeps for the replica beside each. */
export interface SharingCompanion {
  /** What the fleet knows of it; null while that is nothing, or where nothing is shared. */
  shared: SharedScope | null;
  state: ExporterState | null;
  /** When a miss is to be told next. */
  nextMissMs: number;
}

export type SharingScope = Scope<SharingCompanion>;

/** Rough cost of a template beside its value. */
const TEMPLATE_BYTES = 128;

/** The scopes that the fleet knows, within the limits of stores. */
export class SharedScopes {
  readonly #byName = new Map<string, SharedScope>();
  #bytes = 0;
  /** Scopes and items for which there was no room. */
  refused = 0;

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): SharedScope | undefined {
    return this.#byName.get(name);
  }

  all(): SharedScope[] {
    return [...this.#byName.values()];
  }

  /** null when there is no room. */
  create(name: string): SharedScope | null {
    if (this.#byName.size >= STORE_LIMITS.maxScopes) {
      this.refused++;
      return null;
    }
    const shared: SharedScope = { name, templates: new Map(), state: null, live: null };
    this.#byName.set(name, shared);
    return shared;
  }

  /** Forgets a scope of which nothing is known any more. */
  tidy({ name, templates, live, state }: SharedScope): void {
    if (templates.size === 0 && live === null && (state === null || state.isEmpty)) this.#byName.delete(name);
  }

  /** False when there is no room. */
  keep(shared: SharedScope, templateId: number, known: KnownTemplate): boolean {
    this.lose(shared, templateId);
    const bytes = known.value.length + TEMPLATE_BYTES;
    const { maxItemsPerScope, maxContentBytes } = STORE_LIMITS;
    if (shared.templates.size >= maxItemsPerScope || this.#bytes + bytes > maxContentBytes) {
      this.refused++;
      return false;
    }
    this.#bytes += bytes;
    shared.templates.set(templateId, known);
    return true;
  }

  /** False when it was not known. */
  lose({ templates }: SharedScope, templateId: number): boolean {
    const known = templates.get(templateId);
    if (known === undefined) return false;
    this.#bytes -= known.value.length + TEMPLATE_BYTES;
    return templates.delete(templateId);
  }
}
