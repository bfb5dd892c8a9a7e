import { BatchSender, type Sent } from './batch-sender.ts';
import { DatagramPool, type PoolOptions } from './datagram-pool.ts';

/** The process that makes the load. Started with the pool and the port; sends what it is told to, one burst after another. */
export interface SenderSetup extends PoolOptions {
  port: number;
}
export interface SenderOrder {
  datagrams: number;
  /** Per second; 0: as fast as possible. */
  rate: number;
}
export type SenderReply =
  | { kind: 'ready'; meanBytes: number; meanRecords: number }
  | ({ kind: 'sent' } & Sent);

const setup = JSON.parse(process.argv[2]) as SenderSetup;
const pool = new DatagramPool(setup, Date.now());
const sender = new BatchSender(pool, setup.port);
const reply = (message: SenderReply): void => void process.send?.(message);
process.on('message', ({ datagrams, rate }: SenderOrder) => {
  reply({ kind: 'sent', ...sender.run(datagrams, rate || Number.POSITIVE_INFINITY) });
});
process.on('disconnect', () => process.exit());
reply({ kind: 'ready', meanBytes: pool.meanBytes, meanRecords: pool.meanRecords });
