/** Paragraphs that several reports share. */
export const LOAD_METHOD =
  'Load: real UDP over loopback from a process of its own, NetFlow v9, one template of 21 fields and 59 octets, datagrams ' +
  'of up to 1384 octets with 23 flows, from 16 source addresses unless said otherwise; made once from a fixed seed and ' +
  'sent with sendmmsg, with sequence numbers and times written anew.';
export const LATENCY_METHOD =
  'Latency: from the arrival time in the slot to the release of the slot, which follows the hand-over to the outputs in ' +
  'the same turn (an output with a queue: to when the kernel has the bytes); one datagram in eight, whole milliseconds; time in the queue of the socket is not in it.';
export const CPU_METHOD =
  'CPU: the scheduler’s run time of every thread, by name, from the begin of the load until all of it was decoded; ' +
  'user and system in the proportion of the kernel’s ticks (4 ms here). `other` are the helper threads of V8 and libuv: ' +
  'concurrent garbage collection, compilation, file I/O. Sender and soft interrupts of its sends are not part of it.';
