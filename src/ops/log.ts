import { type Level, pino } from 'pino';
import pinoPretty from 'pino-pretty';

/** The log of the process. `fields` are for machines: only the json format has them. */
export interface Log {
  error(text: string, fields?: object): void;
  warn(text: string, fields?: object): void;
  info(text: string, fields?: object): void;
  debug(text: string, fields?: object): void;
}

export interface LogOptions {
  /** The least important lines that are written. */
  level: 'error' | 'warn' | 'info' | 'debug';
  /** json: one object per line. */
  format: 'text' | 'json';
  colour: boolean;
}

const STDERR = 2;

/** Lines on standard error, each written when the call returns. Main thread. */
export function createLog(options: LogOptions): Log {
  const json = options.format === 'json';
  const destination = pino.destination({ fd: STDERR, sync: true });
  // Nobody reads the log any more: that is no reason to stop collecting.
  destination.on('error', () => {});
  const stream = json
    ? destination
    : pinoPretty({
        destination,
        colorize: options.colour,
        ignore: 'pid,hostname',
        translateTime: "UTC:yyyy-mm-dd HH:MM:ss'Z'",
        singleLine: true,
      });
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const at =
    (level: Level) =>
    (text: string, fields?: object): void => {
      if (json && fields !== undefined) logger[level](fields, text);
      else logger[level](text);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
