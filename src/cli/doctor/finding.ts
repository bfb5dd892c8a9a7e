import type { Endpoint } from '../../config/values.ts';
import type { ReceiveMode } from '../../receive/receive-mode.ts';
import type { HttpPlace } from '../http.ts';
import type { Machine } from './machine.ts';

/**
 * ok: looked at and fine. skipped: cannot be looked at here. note: good to know. warning: data may be lost or wrong.
 * error: a collector with these options will not run, or not for long.
 */
export const SEVERITIES = ['ok', 'skipped', 'note', 'warning', 'error'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  readonly severity: Severity;
  /** One line: what was found. */
  readonly text: string;
  /** The line that puts it right: a command, or what to change. */
  readonly fix?: string;
}

/** What is looked at: a machine, and the collector that is to run on it. */
export interface Subject {
  readonly machine: Machine;
  readonly nowMs: number;
  readonly cores: number;
  readonly listen: readonly Endpoint[];
  /** Where the status page is served; null for nowhere. */
  readonly http: HttpPlace | null;
  readonly receive: ReceiveMode;
  readonly receivers: number;
  readonly receiveBufferBytes: number;
  /** Decode threads. */
  readonly workers: number;
  /** URI of the template store; undefined for the default. */
  readonly templateStore: string | undefined;
  /** Directories that are written to, and what for. */
  readonly directories: readonly { readonly path: string; readonly what: string }[];
}

/** Looks at one thing; never rejects because of what it finds. No findings: the thing does not apply. */
export type Check = (subject: Subject) => Promise<Finding[]>;
