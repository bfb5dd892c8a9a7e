import { decompress, init } from '@bokuweb/zstd-wasm';

// Once per process: a second init mixes two instances.
await init();

const MAGIC = 0xfd2fb528;

/** The content of zstd frames that follow each other (RFC 8878), one decompression per frame. */
export function unzstd(bytes: Uint8Array): { content: Buffer; frames: number } {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = frameEnd(bytes, at);
    parts.push(decompress(bytes.subarray(at, end)));
    at = end;
  }
  return { content: Buffer.concat(parts), frames: parts.length };
}

function frameEnd(bytes: Uint8Array, start: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(start, true) !== MAGIC) throw new Error(`no zstd frame at ${start}`);
  const descriptor = bytes[start + 4];
  const single = (descriptor >> 5) & 1;
  const contentSizeBytes = [single, 2, 4, 8][descriptor >> 6];
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  let at = start + 5 + (1 - single) + dictionaryBytes + contentSizeBytes;
  for (let last = 0; last === 0; ) {
    const header = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    last = header & 1;
    const runLength = ((header >> 1) & 3) === 1;
    at += 3 + (runLength ? 1 : header >>> 3);
  }
  return at + (((descriptor >> 2) & 1) === 1 ? 4 : 0);
}
