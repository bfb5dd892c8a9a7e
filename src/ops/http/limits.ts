/** What one client, and all of them together, can cost. Each limit that bites shows in the reply and in a counter. */
export const HTTP_LIMITS = Object.freeze({
  /** More are closed at once. */
  maxConnections: 128,
  maxHeaderBytes: 8_192,
  maxUrlBytes: 2_048,
  /** A request has to be there after so long. */
  requestTimeoutMs: 10_000,
  keepAliveMs: 15_000,
  /** A connection on which nothing moves for so long is closed. */
  idleMs: 60_000,
  /** Event streams that have nothing to say say so. */
  heartbeatMs: 15_000,
  /** Clients that watch flows. */
  maxFlowReaders: 16,
  /** What may wait for one of them; what does not fit is lost to it, and counted. */
  maxFlowReaderBytes: 1024 * 1024,
  /** Exporters or templates in one reply, unless `limit` says otherwise, and at most. */
  listed: 1_000,
  maxListed: 10_000,
  /** Template fields in one reply. */
  maxFieldsListed: 50_000,
});
