import type { ColumnData, FlowBatch } from './batch.ts';

/**
 * Takes rows out of a batch, the others close up in their order. kept: rows that stay, in ascending order, the first
 * `count` of the array. Sets that are left without rows are gone.
 */
export function compactBatch(batch: FlowBatch, kept: Uint32Array, count: number): void {
  if (count === batch.rows) return;
  let first = 0;
  while (first < count && kept[first] === first) first++;
  for (const column of batch.columns) closeUp(column, kept, first, count);
  settleSets(batch, kept, count);
  batch.rows = count;
}

/** Rows in front of `first` are where they belong. */
function closeUp({ lo, hi, f64, wide }: ColumnData, kept: Uint32Array, first: number, count: number): void {
  if (lo.length > 0) for (let row = first; row < count; row++) lo[row] = lo[kept[row]];
  if (hi.length > 0) for (let row = first; row < count; row++) hi[row] = hi[kept[row]];
  if (f64.length > 0) for (let row = first; row < count; row++) f64[row] = f64[kept[row]];
  if (wide.length > 0)
    for (let row = first; row < count; row++) wide.copyWithin(row * 16, kept[row] * 16, kept[row] * 16 + 16);
}

function settleSets(batch: FlowBatch, kept: Uint32Array, count: number): void {
  const { sets } = batch;
  let row = 0;
  let used = 0;
  for (let i = 0; i < batch.setCount; i++) {
    const set = sets[i];
    const start = row;
    while (row < count && kept[row] < set.rowEnd) row++;
    set.rowStart = start;
    set.rowEnd = row;
    if (start === row) continue;
    // Contexts are used again, so the empty ones wait behind the others.
    sets[i] = sets[used];
    sets[used++] = set;
  }
  batch.setCount = used;
}
