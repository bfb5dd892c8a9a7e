import { systemClock } from '../../src/base/clock.ts';
import { MemoryStore } from '../../src/templates/memory-store.ts';
import { plantedContent } from '../support/planted.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('memory store', async () => new MemoryStore(), {
  openWith: async (planted) => new MemoryStore(systemClock, plantedContent(planted)),
});
