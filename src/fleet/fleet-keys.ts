/** Names of everything in Redis; one hash tag keeps them in one slot of a cluster. docs/fleet.md says what they hold. */
export class FleetKeys {
  readonly meta: string;
  /** The stream, and the channel of its copies. */
  readonly log: string;
  readonly scopes: string;
  readonly members: string;
  readonly levels: string;
  readonly #tag: string;

  constructor(prefix: string, fleet: string) {
    this.#tag = `{${prefix}:${fleet}}`;
    this.meta = `${this.#tag}:meta`;
    this.log = `${this.#tag}:log`;
    this.scopes = `${this.#tag}:scopes`;
    this.members = `${this.#tag}:members`;
    this.levels = `${this.#tag}:levels`;
  }

  /** Templates, exporter state and times of a scope. */
  ofScope(scope: string): [templates: string, state: string, seen: string] {
    return [`${this.#tag}:t:${scope}`, `${this.#tag}:s:${scope}`, `${this.#tag}:seen:${scope}`];
  }
}
