import { assert } from '../base/assert.ts';
import { SharedHeap } from './heap.ts';
import {
  HeaderWord,
  MEMORY_MAGIC,
  MEMORY_VERSION,
  type MemoryOffsets,
  type MemorySize,
  memoryOffsets,
} from './layout.ts';
import { Ring } from './ring.ts';

/** The shared region as one thread sees it. Created by the main thread, attached by the others. */
export class SharedMemory {
  readonly buffer: SharedArrayBuffer;
  readonly size: MemorySize;
  readonly offsets: MemoryOffsets;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The whole region as 32-bit words. */
  readonly words: Int32Array;

  private constructor(buffer: SharedArrayBuffer, size: MemorySize) {
    this.buffer = buffer;
    this.size = size;
    this.offsets = memoryOffsets(size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
  }

  static create(size: MemorySize): SharedMemory {
    const { total } = memoryOffsets(size);
    const memory = new SharedMemory(new SharedArrayBuffer(total), size);
    const { words } = memory;
    words[HeaderWord.magic] = MEMORY_MAGIC;
    words[HeaderWord.version] = MEMORY_VERSION;
    words[HeaderWord.bytes] = total;
    words[HeaderWord.rings] = size.rings;
    words[HeaderWord.slots] = size.slots;
    words[HeaderWord.slotBytes] = size.maxDatagramBytes;
    words[HeaderWord.items] = size.items;
    words[HeaderWord.heapBytes] = size.heapBytes;
    return memory;
  }

  static attach(buffer: SharedArrayBuffer): SharedMemory {
    const words = new Int32Array(buffer);
    assert(words[HeaderWord.magic] === MEMORY_MAGIC, 'the buffer is shared memory of Millrace');
    assert(words[HeaderWord.version] === MEMORY_VERSION, 'the shared memory has the layout this code knows');
    const memory = new SharedMemory(buffer, {
      rings: words[HeaderWord.rings],
      slots: words[HeaderWord.slots],
      maxDatagramBytes: words[HeaderWord.slotBytes],
      items: words[HeaderWord.items],
      heapBytes: words[HeaderWord.heapBytes],
    });
    assert(memory.offsets.total === buffer.byteLength, 'the shared memory has the size its header says');
    return memory;
  }

  ring(index: number): Ring {
    return new Ring(this, this.offsets.rings + index * this.offsets.ringBytes);
  }

  /** The heap's allocator: main thread only, once. */
  heap(): SharedHeap {
    return new SharedHeap(this.bytes, this.view, this.offsets.heap, this.offsets.total);
  }
}
