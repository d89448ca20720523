export type { AgentCatalog, AgentSummary } from "./agents/agent-catalog.ts"
export {
  gatewayPort,
  gatewaySocketName,
  socketsPath,
  toolsSocketName,
  type AgentProgram,
} from "./agents/agent-program.ts"
export { knownAgents, type InstalledAgent, type KnownAgent } from "./agents/agent-table.ts"
export { describeAgents, resolveAgent, type AgentPlaces } from "./agents/resolve-agent.ts"
export { AppError, isAppError, type AppErrorOptions } from "./errors/app-error.ts"
export { assertNever } from "./errors/assert-never.ts"
export { boundPage, pageCharacters } from "./log/bound-page.ts"
export { checkAppend, checkSubmit, type AppendLookup, type SubmitLookup } from "./log/check-write.ts"
export { commitEntries, type Commit, type LogRow } from "./log/commit-entries.ts"
export { decodeEntry, encodeEntry } from "./log/encode-entry.ts"
export { isDeeperThan, maxJsonDepth } from "./log/json-depth.ts"
export { isOversized, spillBody, utf8Bytes } from "./log/spill-body.ts"
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
export {
  createRunnerAccess,
  type RunnerAccess,
  type RunnerAccessOptions,
  type RunnerDoor,
} from "./runner/runner-access.ts"
export { createRunnerTokens, type RunnerIdentity, type RunnerTokens } from "./runner/runner-tokens.ts"
export type {
  AgentConnection,
  AgentExit,
  AgentHandlers,
  AgentLauncher,
  ConfigOption,
  Conversation,
  FormRequest,
  PermissionRequest,
  PromptBlock,
} from "./runner/agent-connection.ts"
export type {
  AgentTools,
  ArtifactInput,
  AskInput,
  CheckpointInput,
  ToolResult,
} from "./runner/agent-tools.ts"
export { createRunner, type Runner, type RunnerEnd } from "./runner/create-runner.ts"
export type { RunnerOptions } from "./runner/runner-options.ts"
export type { Attachment, RunnerLink, RunnerSession } from "./runner/runner-link.ts"
export type { SnapshotResult, SnapshotSource } from "./runner/snapshot-source.ts"
export { createMemorySpool, type Spool, type SpoolLine } from "./runner/spool.ts"
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
export type { ReconcileOptions } from "./session/reconcile-options.ts"
export { createReconcile, type Reconcile } from "./session/reconcile.ts"
export { serverEntry } from "./session/server-entry.ts"
export { createBlobSweeper, type BlobSweeper } from "./session/sweep-blobs.ts"
export {
  createSessionService,
  sessionSecretScope,
  type SessionService,
  type SessionServiceOptions,
  type SessionView,
} from "./session/session-service.ts"
export {
  createSubmitCommand,
  type Sender,
  type SubmitCommand,
  type SubmitCommandOptions,
} from "./session/submit-command.ts"
export { parseCommand } from "./session/parse-command.ts"
export { decodeListCursor, encodeListCursor, type ListPosition } from "./session/list-cursor.ts"
export { agentNameOf, labelsOf, searchTextOf } from "./session/session-filter.ts"
export { addUsage, type UsageTotals } from "./session/usage-totals.ts"
export { createWorkspace, type Workspace, type WorkspaceOptions } from "./workspace/create-workspace.ts"
export { diffManifests, type ManifestDiff } from "./workspace/diff-manifests.ts"
export { compileGlobs } from "./workspace/glob.ts"
export { staysInside } from "./workspace/link-target.ts"
export type { Manifest, ManifestEntry } from "./workspace/manifest.ts"
export { decodeManifest, encodeManifest } from "./workspace/manifest-json.ts"
export type { HashContent } from "./workspace/read-content.ts"
export { readManifest, type RestoreResult } from "./workspace/restore-snapshot.ts"
