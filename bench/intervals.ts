/** Statistics that ask nothing of the distribution. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

export interface Interval {
  low: number;
  high: number;
  /** Probability that the true median lies within, by the binomial distribution. */
  confidence: number;
}

/**
 * Interval of the median between two order statistics: the narrowest with at least the confidence, or all values when there
 * are too few for it.
 */
export function medianInterval(values: readonly number[], confidence = 0.95): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let outside = 0;
  let left = 0;
  // Chance that at most k of n values lie below the true median, on both sides.
  for (let k = 0; k < n >> 1; k++) {
    outside += 2 * binomial(n, k) * 0.5 ** n;
    if (1 - outside < confidence) break;
    left = k;
  }
  let covered = 1;
  for (let k = 0; k <= left; k++) covered -= 2 * binomial(n, k) * 0.5 ** n;
  return { low: sorted[left], high: sorted[n - 1 - left], confidence: covered };
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}
