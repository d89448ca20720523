const kib = 1024
const mib = 1024 * kib

export const gatewayVersion = "0.1.0"
/** Version of the control API and of the reports; a server speaks this one and the one before. */
export const gatewayProtocolVersion = 1

/** Caps and times of the gateway, once. */
export const gatewayLimits = {
  headerBytes: 32 * kib,
  requestBodyBytes: 64 * mib,
  controlBodyBytes: 1 * mib,
  connectionsPerGrant: 64,
  /** Bodies wait in memory until their cost is reserved; so much per session, and in all. */
  heldBytesPerLog: 128 * mib,
  heldBytesTotal: 512 * mib,
  headersTimeoutMs: 30_000,
  keepAliveMs: 65_000,
  /** A model thinks for minutes without a byte; only a dead connection is silent for this long. */
  modelIdleMs: 30 * 60_000,
  tunnelIdleMs: 15 * 60_000,
  dialTimeoutMs: 10_000,
  resolveTimeoutMs: 5_000,
  /** Reports that the server has not taken. When full, calls that would add to it are refused. */
  spoolBytes: 16 * mib,
  reportBatchCount: 500,
  reportBatchBytes: 512 * kib,
  reportRetryMinMs: 100,
  reportRetryMaxMs: 5_000,
  reportTimeoutMs: 15_000,
  /** Refusals reported per session in one window; the rest is counted in the next report. */
  refusalsPerWindow: 20,
  refusalWindowMs: 60_000,
  /** With no word from a server and no sandbox connected for so long, nobody is left to serve. */
  orphanExitMs: 60 * 60_000,
  /** `sun_path` holds 107 bytes; sandboxes may mount the folder under a longer name. */
  socketPathBytes: 99,
} as const
