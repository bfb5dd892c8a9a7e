/** What runs: known when the process starts, and the same until it ends. */
export interface ProcessInfo {
  readonly version: string;
  /** Source revision it was built from; null when the build did not say (MILLRACE_COMMIT). */
  readonly commit: string | null;
  readonly node: string;
  readonly startedAtMs: number;
  /** Hex; equal for equal configurations. Secrets are not part of it. */
  readonly configurationDigest: string;
}
