const kib = 1024
const mib = 1024 * kib

/** Caps and defaults, once. Sizes in bytes, times in milliseconds, unless the name says otherwise. */
export const limits = {
  jsonBodyBytes: 1 * mib,
  /** An entry whose JSON is larger spills its payload to a blob. */
  entryBytes: 256 * kib,
  /** One NDJSON batch from a runner. */
  appendBatchBytes: 8 * mib,
  appendBatchEntries: 2000,
  fileBytes: 1024 * mib,
  dataBytes: 128 * kib,
  idempotencyKeyLength: 256,
  /** Commands that wait for a runner, per session. One more answers 429 rate_limited. */
  pendingCommands: 1000,
  pendingQuestions: 100,
  listPageSize: 100,
  listPageSizeMax: 1000,
  heartbeatMs: 10_000,
  leaseTtlMs: 15_000,
  provisionTimeoutMs: 120_000,
  agentStartTimeoutMs: 60_000,
  turnTimeoutMs: 24 * 3_600_000,
  /** After a cancel, how long the agent may take before its processes are killed. */
  cancelGraceMs: 1_500,
  permissionHoldSeconds: 600,
  idleTimeoutSeconds: 1_800,
  orphanTimeoutMs: 30 * 60_000,
  sandbox: { memoryMib: 2048, cpu: 2, pids: 512, diskMib: 4096, outputBytes: 1 * mib },
} as const

/** Version of the server ↔ runner protocol; a server speaks this one and the one before. */
export const runnerProtocolVersion = 1

export const headers = {
  idempotencyKey: "idempotency-key",
  lastEventId: "last-event-id",
  project: "x-berth-project",
} as const
