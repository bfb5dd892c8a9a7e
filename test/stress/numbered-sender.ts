/** A thread that sends numbered datagrams as fast as it can. */
import { createSocket } from 'node:dgram';
import { workerData } from 'node:worker_threads';
import { numberedDatagram } from './numbered.ts';

const { port, count } = workerData as { port: number; count: number };
const socket = createSocket('udp4');
for (let n = 0; n < count; n++) {
  await new Promise((resolve) => socket.send(numberedDatagram(n), port, '127.0.0.1', resolve));
}
socket.close();
