/** Enterprise number whose fields end the decode thread of test/support/mortal-worker.ts. */
export const DEADLY_PEN = 666;
