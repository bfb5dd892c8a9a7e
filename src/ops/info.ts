/** What runs. */
export interface ProcessInfo {
  readonly version: string;
  /** Source revision it was built from; null when the build did not say (MILLRACE_COMMIT). */
  readonly commit: string | null;
  readonly node: string;
  readonly startedAtMs: number;
  /** Hexadecimal; equal for equal configurations. Secrets are not part of it. Changes with a reload. */
  readonly configurationDigest: () => string;
}
