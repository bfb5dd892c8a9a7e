import { createRequire } from 'node:module';
import { endianness } from 'node:os';

// Numbers of the Linux ABI that more than one caller needs.
export const SOCK_DGRAM_CLOEXEC = 0x80002;
export const MSG_DONTWAIT = 0x40;

/**
 * System calls that Node.js does not offer, through koffi. Linux with little-endian 64-bit words only; the only importer of
 * koffi, which is an optional dependency.
 */
export interface SystemCalls {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  /** headers: address of an array of struct mmsghdr. Returns the datagrams received, or -1. */
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: null): number;
  /** Returns the octets sent, or -1. */
  sendto(
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** Takes one datagram; returns its length, or -1. */
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  close(fd: number): number;
  /** state: a struct timex of zeros, filled with the state of the clock. Returns 5 while it is not synchronised, or -1. */
  adjtimex(state: Uint8Array): number;
  /** Of the call that returned -1 just now, as a name such as EADDRINUSE. */
  errorName(): string;
  /** Where the memory of a typed array lies; only for memory that does not move (a SharedArrayBuffer). */
  addressOf(bytes: Uint8Array): number;
}

interface Koffi {
  load(name: string): { func(prototype: string): (...values: never[]) => never };
  errno(): number;
  os: { errno: Record<string, number> };
}

/** The system calls, or why there are none here. */
export function loadSystemCalls(): SystemCalls | string {
  if (process.platform !== 'linux') return `system calls are made on Linux only, this is ${process.platform}`;
  if (endianness() !== 'LE' || !/^(x64|arm64|riscv64|loong64)$/.test(process.arch)) {
    return `system calls are not made on ${process.arch}`;
  }
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND') return 'the optional package koffi is not installed';
    return `koffi cannot be loaded (${message.split('\n')[0]})`;
  }
  try {
    return bindCalls(koffi);
  } catch (error) {
    return `the C library could not be loaded (${(error as Error).message})`;
  }
}

function bindCalls(koffi: Koffi): SystemCalls {
  // musl has its C library under another name.
  const libc = tryLoad(koffi, [
    'libc.so.6',
    `libc.musl-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`,
  ]);
  const func = <T>(prototype: string): T => libc.func(prototype) as unknown as T;
  const memcpy = func<(to: Uint8Array, from: Uint8Array, n: number) => bigint | number>(
    'uintptr_t memcpy(void *to, const void *from, size_t n)',
  );
  const { EWOULDBLOCK: _, ...errors } = koffi.os.errno; // On Linux another name of EAGAIN.
  const names = new Map(Object.entries(errors).map(([name, number]) => [number, name]));
  return {
    socket: func('int socket(int family, int type, int protocol)'),
    setsockopt: func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
    getsockopt: func(
      'int getsockopt(int fd, int level, int name, _Inout_ uint8_t *value, _Inout_ uint8_t *length)',
    ),
    bind: func('int bind(int fd, const void *address, uint32_t length)'),
    getsockname: func('int getsockname(int fd, _Inout_ uint8_t *address, _Inout_ uint8_t *length)'),
    recvmmsg: func('int recvmmsg(int fd, uintptr_t headers, unsigned int count, int flags, void *timeout)'),
    sendto: func(
      'intptr_t sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
    ),
    recv: func('intptr_t recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)'),
    close: func('int close(int fd)'),
    adjtimex: func('int adjtimex(_Inout_ uint8_t *state)'),
    errorName: () => names.get(koffi.errno()) ?? `error ${koffi.errno()}`,
    addressOf: (bytes) => Number(memcpy(bytes, bytes, 0)),
  };
}

function tryLoad(koffi: Koffi, candidates: readonly string[]): ReturnType<Koffi['load']> {
  let failure: unknown;
  for (const name of candidates) {
    try {
      return koffi.load(name);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
