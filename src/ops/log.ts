import { type Level, pino } from 'pino';
import pinoPretty from 'pino-pretty';
import { maskSecrets } from '../base/secrets.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** The log of the process. `fields` are for machines: only the json format has them. */
export interface Log {
  /** The least important lines that are written; may be changed at any time. */
  level: LogLevel;
  error(text: string, fields?: object): void;
  warn(text: string, fields?: object): void;
  info(text: string, fields?: object): void;
  debug(text: string, fields?: object): void;
}

export interface LogOptions {
  level: LogLevel;
  /** json: one object per line. */
  format: 'text' | 'json';
  colour: boolean;
}

const STDERR = 2;

/** Lines on standard error, each written when the call returns, without passwords and tokens of URLs. Main thread. */
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
      const line = maskSecrets(text);
      if (json && fields !== undefined) logger[level](fields, line);
      else logger[level](line);
    };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    get level() {
      return logger.level as LogLevel;
    },
    set level(level: LogLevel) {
      logger.level = level;
    },
  };
}
