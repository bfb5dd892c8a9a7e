/** Enterprise number whose fields end the decode thread of test/support/mortal-worker.ts. */
export const DEADLY_PEN = 666;
/** Enterprise number whose fields make it throw. */
export const WRETCHED_PEN = 667;
