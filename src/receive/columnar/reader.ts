/**
 * Columnar files and streams (docs/columnar.md), frame by frame. Shares nothing with the writer but the constants of the
 * format. Whatever the bytes are, the only error is MillraceError INPUT_FAILED with the offset (ColumnarError), thrown behind the
 * last frame that is whole; and no size in them is believed before as many octets are there.
 */
import { isUint8Array } from 'node:util/types';
import { FRAME_HEADER_BYTES } from '../../output/columnar-format.ts';
import { type ByteSource, ByteStream } from '../capture/byte-stream.ts';
import { ColumnarError } from './body-cursor.ts';
import type { ColumnarFrame } from './frame.ts';
import { FrameParser } from './parse-frame.ts';

/** What a reader of frames can be told. */
export interface ReadColumnarOptions {
  /** Octets of the body of a frame, and of all values of varying length in it; default 128 MiB. */
  maxFrameBytes?: number;
}

/** Bytes as they arrive, such as a Readable of node:stream. */
export type ColumnarStream = AsyncIterable<Uint8Array>;

/**
 * The frames of bytes that are there, or of a stream, which is closed at the end. Throws a ColumnarError behind the last frame
 * that is whole.
 */
export function readColumnar(bytes: Uint8Array, options?: ReadColumnarOptions): Generator<ColumnarFrame>;
export function readColumnar(
  stream: ColumnarStream,
  options?: ReadColumnarOptions,
): AsyncGenerator<ColumnarFrame>;
export function readColumnar(
  source: Uint8Array | ColumnarStream,
  { maxFrameBytes }: ReadColumnarOptions = {},
): Generator<ColumnarFrame> | AsyncGenerator<ColumnarFrame> {
  if (maxFrameBytes !== undefined && !(maxFrameBytes >= 0))
    throw new TypeError('readColumnar: maxFrameBytes must be a number from 0 on');
  const parser = new FrameParser(maxFrameBytes);
  if (isUint8Array(source)) return framesOfBytes(source, parser);
  if (typeof source?.[Symbol.asyncIterator] !== 'function') throw noBytes();
  return framesOfStream(new ByteStream(new IterableSource(source)), parser);
}

function* framesOfBytes(bytes: Uint8Array, parser: FrameParser): Generator<ColumnarFrame> {
  for (let at = 0; at < bytes.length; ) {
    const body = at + FRAME_HEADER_BYTES;
    if (body > bytes.length) throw cutShort(at, bytes.length);
    const end = body + parser.bodyBytes(bytes, at, at);
    if (end > bytes.length) throw cutShort(at, bytes.length);
    yield parser.frame(bytes, body, end, body);
    at = end;
  }
}

/** Frames of a byte stream; closes it. */
export async function* framesOfStream(
  stream: ByteStream,
  parser = new FrameParser(),
): AsyncGenerator<ColumnarFrame> {
  let offset = 0;
  try {
    while (await stream.fill(FRAME_HEADER_BYTES)) {
      const bytes = FRAME_HEADER_BYTES + parser.bodyBytes(stream.bytes, stream.start, offset);
      if (!(await stream.fill(bytes))) break;
      const { start } = stream;
      const body = start + FRAME_HEADER_BYTES;
      const frame = parser.frame(stream.bytes, body, start + bytes, offset + FRAME_HEADER_BYTES);
      stream.start += bytes;
      offset += bytes;
      yield frame;
    }
    const left = stream.end - stream.start;
    if (stream.fault === 'broken')
      throw new ColumnarError('it cannot be unpacked from here on', offset + left);
    if (left > 0 || stream.fault === 'truncated') throw cutShort(offset, offset + left);
  } finally {
    await stream.close();
  }
}

function noBytes(): TypeError {
  return new TypeError(
    'readColumnar: bytes or a stream of bytes are expected, such as a Readable without an encoding',
  );
}

function cutShort(frame: number, end: number): ColumnarError {
  return new ColumnarError(`cut short, in the middle of the frame that begins at octet ${frame}`, end);
}

/** Pulls chunks out of an asynchronous iterable. */
class IterableSource implements ByteSource {
  readonly fault = 'none';
  readonly #iterator: AsyncIterator<Uint8Array>;

  constructor(source: ColumnarStream) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async next(): Promise<Uint8Array | null> {
    const { done, value } = await this.#iterator.next();
    if (done) return null;
    if (isUint8Array(value)) return value;
    throw noBytes();
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
