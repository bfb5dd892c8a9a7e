/** The part of the option table that says what inspect shows, and doctor. */
import * as schemas from './schemas.ts';

export const INSPECT_OPTIONS = {
  skip: {
    flag: 'skip',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(0, Number.MAX_SAFE_INTEGER),
    default: '0',
    help: 'datagrams to leave out at the begin; their templates are learned',
    group: 'Output',
    commands: ['inspect'],
  },
  limit: {
    flag: 'limit',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(0, Number.MAX_SAFE_INTEGER),
    default: '20',
    help: 'datagrams to show; 0: all',
    group: 'Output',
    commands: ['inspect'],
  },
  hex: {
    flag: 'hex',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'show the octets of each datagram too',
    group: 'Output',
    commands: ['inspect'],
  },
} as const;
