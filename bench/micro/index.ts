import type { Bench } from '../harness.ts';
import { cacheBenches } from './cache.bench.ts';
import { columnarBenches } from './columnar.bench.ts';
import { dispatchBenches } from './dispatch.bench.ts';
import { encodeBenches } from './encode.bench.ts';
import { planBenches } from './plan.bench.ts';
import { ringBenches } from './ring.bench.ts';
import { scanBenches } from './scan.bench.ts';
import { stateBenches } from './state.bench.ts';
import { storeBenches } from './store.bench.ts';

/** All micro benches, in the order of the way of the data. */
export const MICRO_BENCHES: readonly Bench[] = [
  ...ringBenches,
  ...scanBenches,
  ...cacheBenches,
  ...stateBenches,
  ...storeBenches,
  ...planBenches,
  ...encodeBenches,
  ...columnarBenches,
  ...dispatchBenches,
];

/** Benches whose name contains the text; all without one. */
export function benchesNamed(part: string | undefined): readonly Bench[] {
  return MICRO_BENCHES.filter(({ name }) => part === undefined || name.includes(part));
}
