export {
  gatewayPort,
  gatewaySocketName,
  socketsPath,
  toolsSocketName,
  type AgentProgram,
} from "./agents/agent-program.ts"
export { AppError, isAppError, type AppErrorOptions } from "./errors/app-error.ts"
export { assertNever } from "./errors/assert-never.ts"
export { checkAppend, checkSubmit, type AppendLookup, type SubmitLookup } from "./log/check-write.ts"
export { commitEntries, type Commit, type LogRow } from "./log/commit-entries.ts"
export { decodeEntry, encodeEntry } from "./log/encode-entry.ts"
export { tailLog, tailPageEntries, type TailSource } from "./log/tail-log.ts"
export type { BlobStore } from "./ports/blob-store.ts"
export type {
  AppendOptions,
  AppendResult,
  EventLog,
  LogArchive,
  LogPage,
  LogState,
  NewEntry,
  StoredEntry,
  SubmitRequest,
  SubmitResult,
} from "./ports/event-log.ts"
export type { ApiKey, KeyStore } from "./ports/key-store.ts"
export type { Lease, LeaseStore } from "./ports/lease-store.ts"
export type { Orchestrator } from "./ports/orchestrator.ts"
export type { RunnerHost, RunnerInfo, RunnerStart, UnsentEntry } from "./ports/runner-host.ts"
export type { Clock, Ids, Logger } from "./ports/runtime.ts"
export type {
  FileInfo,
  FileRoot,
  ProcessExit,
  Sandbox,
  SandboxCapabilities,
  SandboxFiles,
  SandboxInfo,
  SandboxLabels,
  SandboxProcess,
  SandboxProvider,
  SandboxSpec,
  SpawnOptions,
} from "./ports/sandbox-provider.ts"
export type {
  SessionFilter,
  SessionListItem,
  SessionRecord,
  SessionSpec,
  SessionStore,
} from "./ports/session-store.ts"
export { checkRunnerEntry } from "./runner/check-runner-entry.ts"
export type { Attachment, RunnerLink, RunnerSession } from "./runner/runner-link.ts"
export { decide, type Action, type Decision, type Observation } from "./session/decide.ts"
export {
  createHead,
  hasSandbox,
  isActive,
  reduceHead,
  type Head,
  type OpenQuestion,
  type PendingCommand,
  type PlacedEntry,
} from "./session/head.ts"
export { createReconcileLoop } from "./session/reconcile-loop.ts"
export { createReconcile, type Reconcile, type ReconcileOptions } from "./session/reconcile.ts"
export { serverEntry } from "./session/server-entry.ts"
export { addUsage, type UsageTotals } from "./session/usage-totals.ts"
export type { Manifest, ManifestEntry } from "./workspace/manifest.ts"
