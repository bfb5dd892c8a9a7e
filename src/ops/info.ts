/** What runs. */
export interface ProcessInfo {
  readonly version: string;
  /** Commit it was built from, with `-dirty` where files had been changed; null when the build did not know. */
  readonly commit: string | null;
  readonly node: string;
  readonly startedAtMs: number;
  /** Hexadecimal; equal for equal configurations. Secrets are not part of it. Changes with a reload. */
  readonly configurationDigest: () => string;
}
