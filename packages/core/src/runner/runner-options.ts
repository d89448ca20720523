import type { BlobHash } from "@berth/protocol"
import type { AgentProgram } from "../agents/agent-program.ts"
import type { Clock, Ids, Logger } from "../ports/runtime.ts"
import type { Sandbox } from "../ports/sandbox-provider.ts"
import type { AgentLauncher } from "./agent-connection.ts"
import type { AgentTools } from "./agent-tools.ts"
import type { RunnerLink } from "./runner-link.ts"
import type { SnapshotSource } from "./snapshot-source.ts"
import type { Spool } from "./spool.ts"

export interface RunnerOptions {
  readonly link: RunnerLink
  readonly spool: Spool
  readonly sandbox: Sandbox
  readonly launcher: AgentLauncher
  readonly program: Pick<AgentProgram, "instructions" | "meta">
  /** The workspace and the agent's memory, with blobs kept where it is told. */
  readonly createWorkspace: (blobs: RunnerLink["blobs"]) => SnapshotSource
  readonly hashContent: (content: ReadableStream<Uint8Array>) => Promise<BlobHash>
  /** Makes the tools reachable for the agent; resolves when they are. */
  readonly serveTools: (tools: AgentTools) => Promise<void>
  readonly orphanTimeoutMs: number
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}
