import type { FlowBatch } from '../decode/batch.ts';
import { numberAt, type RateColumns } from './options-columns.ts';
import { STATE_LIMITS } from './state-limits.ts';

/** Values of selectorAlgorithm (RFC 5477) that say which of the elements below counts. */
const RANDOM_N_OUT_OF_N = 3;
const UNIFORM_PROBABILISTIC = 4;

/**
 * Packets per sampled packet, as an options record says it in one of five ways; 0 when it says nothing sensible.
 * samplingPacketInterval tells how many packets are taken in a row, so without samplingPacketSpace, how many are then
 * left out, it is no rate: exporters that sample 1 out of 256 at random send a 1 there.
 */
export function samplingRateOf(batch: FlowBatch, columns: RateColumns, row: number): number {
  const algorithm = numberAt(batch, columns.algorithm, row);
  if (algorithm === UNIFORM_PROBABILISTIC) {
    const rate = fromProbability(batch, columns, row);
    if (rate > 0) return rate;
  }
  if (algorithm === RANDOM_N_OUT_OF_N) {
    const rate = fromPopulation(batch, columns, row);
    if (rate > 0) return rate;
  }
  return (
    fromSpace(batch, columns, row) ||
    fromPopulation(batch, columns, row) ||
    fromProbability(batch, columns, row) ||
    sane(numberAt(batch, columns.randomInterval, row)) ||
    sane(numberAt(batch, columns.interval, row))
  );
}

function fromSpace(batch: FlowBatch, columns: RateColumns, row: number): number {
  const interval = numberAt(batch, columns.packetInterval, row);
  return sane((interval + numberAt(batch, columns.packetSpace, row)) / interval);
}

function fromPopulation(batch: FlowBatch, columns: RateColumns, row: number): number {
  return sane(numberAt(batch, columns.population, row) / numberAt(batch, columns.size, row));
}

function fromProbability(batch: FlowBatch, columns: RateColumns, row: number): number {
  return sane(1 / numberAt(batch, columns.probability, row));
}

/** 0 for whatever cannot be a rate: less than 1, not finite, not a number, absurd. */
function sane(rate: number): number {
  return rate >= 1 && rate <= STATE_LIMITS.maxRate ? rate : 0;
}
