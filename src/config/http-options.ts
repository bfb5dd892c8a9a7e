/** The part of the option table that says what is served over HTTP. */
import * as schemas from './schemas.ts';

export const HTTP_OPTIONS = {
  http: {
    flag: 'http',
    kind: 'optional',
    syntax: 'ADDR:PORT',
    schema: schemas.httpAddress,
    defaultHelp: '127.0.0.1:8080 if that is free',
    help: 'where the status page, metrics and the like are served, or off; other addresses than loopback need a token',
    group: 'HTTP',
    commands: ['collect'],
  },
  httpToken: {
    flag: 'http-token',
    kind: 'optional',
    syntax: 'TOKEN',
    schema: schemas.httpToken,
    help: 'bearer token that requests have to bring; other users of this machine can see it, --http-token-file hides it',
    group: 'HTTP',
    commands: ['collect'],
  },
  httpTokenFile: {
    flag: 'http-token-file',
    kind: 'optional',
    syntax: 'FILE',
    schema: schemas.text('the path of a file'),
    help: 'file with that token in its first line',
    group: 'HTTP',
    commands: ['collect'],
  },
  httpOpen: {
    flag: 'http-open',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'serve everybody who can connect, on any address and under any host name, without a token',
    group: 'HTTP',
    commands: ['collect'],
  },
} as const;
