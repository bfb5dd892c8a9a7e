/** What the parts of the capture reader say to each other and to its user. */

export interface CapturedDatagram {
  /** UDP payload; valid until the next batch is asked for. */
  payload: Uint8Array;
  /** Source in its 16-byte form (src/base/ip.ts), all zero when unknown. */
  address: Uint8Array;
  /** Source UDP port, 0 when unknown. */
  port: number;
  /** Destination UDP port, 0 when unknown. */
  destinationPort: number;
  /** Milliseconds since the Unix epoch with fraction, up to the year 9999; NaN when the file says none of these. */
  capturedAtMs: number;
}

/**
 * Counts of one capture. Every frame ends in exactly one of them:
 * frames = (datagrams - reassembled) + notUdp + unsupported + truncatedFrames + malformed + fragments, where
 * fragments are the pieces of the reassembled datagrams and fragmentsDropped;
 * truncatedFrames = truncated, less one when the file ends in the middle of a record.
 */
export interface CaptureStats {
  /** Bytes of the file or pipe, as stored (compressed). */
  bytesRead: number;
  /** Size of the file, NaN for a pipe. */
  bytesTotal: number;
  /** Whole records of captured frames (or of datagrams, where the file holds those). */
  frames: number;
  /** Datagrams delivered. */
  datagrams: number;
  /** Frames that carry something else. */
  notUdp: number;
  /** Frames of a link layer, or of a capture interface, that is not understood. */
  unsupported: number;
  /** Frames cut short, by the snap length for instance, and 1 when the file ends in the middle of a record. */
  truncated: number;
  /** Frames whose own lengths contradict each other. */
  malformed: number;
  /** Frames that are a piece of an IP datagram. */
  fragments: number;
  /** Pieces of datagrams that were never complete, that did not fit together, or that went over a limit. */
  fragmentsDropped: number;
  /** Datagrams delivered that were put together from pieces. */
  reassembled: number;
  /** 1 when reading stopped because the framing of the file is broken. */
  broken: number;
}

export interface Capture {
  /** Live: counts grow as batches are read. */
  readonly stats: CaptureStats;
  /** The datagrams in file order, up to 512 at a time; closes the capture at the end. One reader at a time. */
  batches(): AsyncIterable<CapturedDatagram[]>;
  /** Gives up the file; safe to call at any time and more than once. */
  close(): Promise<void>;
}

/** Cuts what is buffered into records, for one file format. */
export interface RecordReader {
  /**
   * Takes one record, and adds its datagram to output if it completes one. Returns 0 when a record was taken, BROKEN when
   * nothing can be read from here on, else the number of bytes that have to be buffered before the next call.
   */
  step(output: CapturedDatagram[]): number;
}

export const BROKEN = -1;

/** Longest frame a record may hold; what libpcap allows. */
export const FRAME_BYTES_MAX = 256 * 1024;

export function newStats(): CaptureStats {
  return {
    bytesRead: 0,
    bytesTotal: Number.NaN,
    frames: 0,
    datagrams: 0,
    notUdp: 0,
    unsupported: 0,
    truncated: 0,
    malformed: 0,
    fragments: 0,
    fragmentsDropped: 0,
    reassembled: 0,
    broken: 0,
  };
}
