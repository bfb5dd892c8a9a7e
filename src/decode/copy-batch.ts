import { FlowBatch } from './batch.ts';

/** A batch with the rows of another one and memory of its own, no more than they need. */
export function copyBatch(batch: FlowBatch): FlowBatch {
  const { plan, rows } = batch;
  const copy = new FlowBatch(plan, rows);
  for (let i = 0; i < copy.columns.length; i++) {
    const from = batch.columns[i];
    const to = copy.columns[i];
    to.lo.set(from.lo.subarray(0, to.lo.length));
    to.hi.set(from.hi.subarray(0, to.hi.length));
    to.f64.set(from.f64.subarray(0, to.f64.length));
    to.wide.set(from.wide.subarray(0, to.wide.length));
  }
  copy.rows = rows;
  copy.heap = batch.heap.slice(0, batch.heapUsed);
  copy.heapUsed = batch.heapUsed;
  for (let i = 0; i < batch.setCount; i++) copy.sets.push({ ...batch.sets[i] });
  copy.setCount = batch.setCount;
  return copy;
}
