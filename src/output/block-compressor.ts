/** Compression of one block; runs in the compression thread, as it takes milliseconds. */
import zlib from 'node:zlib';
import type { Compression } from './output-uri.ts';

/** The default level of gzip, 6, takes about twice the time for about an eighth fewer bytes. */
const GZIP_LEVEL = 3;
const ZSTD_LEVEL = 3;
/** node:zlib collects its result in pieces of this size; a block mostly becomes one. */
const PIECE_BYTES = 128 * 1024;

/** One gzip member or zstd frame of the block. */
export type BlockCompressor = (block: Uint8Array) => Uint8Array;

/** What the compression thread is started with. */
export interface CompressionSetting {
  readonly compression: Exclude<Compression, 'none'>;
  /** Whether the zstd of node:zlib may be used, where there is one. */
  readonly builtInZstd: boolean;
}

/** As in node:zlib of Node 22.15 and later. */
type ZstdCompressSync = (block: Uint8Array, options: object) => Uint8Array;

export async function createBlockCompressor(setting: CompressionSetting): Promise<BlockCompressor> {
  if (setting.compression === 'gzip') {
    return (block) => zlib.gzipSync(block, { level: GZIP_LEVEL, chunkSize: PIECE_BYTES });
  }
  const { zstdCompressSync } = zlib as { zstdCompressSync?: ZstdCompressSync };
  if (zstdCompressSync !== undefined && setting.builtInZstd) {
    const level = (zlib.constants as Record<string, number>)['ZSTD_c_compressionLevel'];
    const options = { chunkSize: PIECE_BYTES, params: { [level]: ZSTD_LEVEL } };
    return (block) => zstdCompressSync(block, options);
  }
  const { compress, init } = await import('@bokuweb/zstd-wasm');
  await init();
  return (block) => compress(block, ZSTD_LEVEL);
}
