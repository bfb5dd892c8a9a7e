/** What one exporter and observation domain may make us remember, and all together. What does not fit is refused and counted. */
export const STATE_LIMITS = Object.freeze({
  /** Names, descriptions and rates of all exporters together. */
  maxEntriesInAll: 524_288,
  /** Names and descriptions together. */
  maxNames: 8192,
  /** Samplers, selectors, interfaces and templates with a sampling rate, of each kind. */
  maxRatesPerKind: 1024,
  /** Longer names are cut. */
  maxNameBytes: 255,
  maxApplicationIdBytes: 16,
  /** Packets per sampled packet; more is nonsense. */
  maxRate: 2 ** 32,
  /** A page with so many entries is split; pages are what a change rewrites. */
  pageEntries: 32,
  /** Slots of the directory: 2 to the power of this. Pages that can no longer be split grow to maxPageEntries. */
  maxDirectoryDepth: 10,
  maxPageEntries: 64,
  /** Calls of publish that do not try again after the heap was full, because trying takes and gives back memory. */
  publishesSkippedWhenFull: 64,
});
