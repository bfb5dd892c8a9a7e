/** A decode thread whose compiled plans read the wrong octets. */
const Real = globalThis.Function;
globalThis.Function = class extends Real {
  constructor(...texts: string[]) {
    super(...texts.map((text) => text.replaceAll('view.getUint32(at', 'view.getInt16(at')));
  }
} as FunctionConstructor;

const { decode } = await import('../../workers/decode.ts');

export { decode };
