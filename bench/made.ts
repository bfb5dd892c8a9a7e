/** What a piece of work makes, as far as that can be counted: the same with every version of V8, whatever it has optimised. */
export interface Made {
  /** Buffers, typed arrays and views. */
  arrays: number;
  /** Strings and BigInts, by the functions that make them from values. */
  texts: number;
}

const ARRAYS = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int32Array',
  'Float64Array',
];
type Functions = Record<string, (...values: unknown[]) => unknown>;

/** Runs the work with counting functions in place of the global ones. */
export function countMade(work: () => unknown): Made {
  const made: Made = { arrays: 0, texts: 0 };
  const restore: (() => void)[] = [];
  const counted = (owner: object, name: string, kind: keyof Made): void => {
    const functions = owner as Functions;
    const before = functions[name];
    functions[name] = new Proxy(before, {
      apply(target, self, values) {
        made[kind]++;
        return Reflect.apply(target, self, values);
      },
      construct(target, values) {
        made[kind]++;
        return Reflect.construct(target, values) as object;
      },
    });
    restore.push(() => {
      functions[name] = before;
    });
  };
  for (const name of ARRAYS) counted(globalThis, name, 'arrays');
  for (const name of ['subarray', 'slice'])
    counted(Object.getPrototypeOf(Uint8Array.prototype), name, 'arrays');
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'from']) counted(Buffer, name, 'arrays');
  for (const name of ['String', 'BigInt']) counted(globalThis, name, 'texts');
  counted(Number.prototype, 'toString', 'texts');
  counted(JSON, 'stringify', 'texts');
  counted(TextDecoder.prototype, 'decode', 'texts');
  try {
    work();
  } finally {
    for (const undo of restore) undo();
  }
  return made;
}
