import type { JitMode } from '../../src/decode/plan-runner.ts';
import { Decoder, type DecoderOptions } from '../../src/decoder.ts';

/** Says how decoders under test decode: the interpreter alone, unless test/compiled.test.ts asks for compiled plans. */
export const JIT_VARIABLE = 'MILLRACE_TEST_JIT';

export function decoderOf(options: DecoderOptions = {}): Decoder {
  return new Decoder({ jit: (process.env[JIT_VARIABLE] ?? 'off') as JitMode, ...options });
}
