import type { SandboxSpec, SpawnOptions } from "@berth/core"
import type { IsolationReport } from "@berth/protocol"
import type { ControlGroups } from "./cgroup/find-control-groups.ts"
import type { Owner } from "./files/owner.ts"
import type { StartedProcess } from "./process/start-process.ts"
import type { BoundFolder, SandboxRecord } from "./sandbox-record.ts"

export interface Launch {
  readonly record: SandboxRecord
  readonly argv: readonly string[]
  readonly options: SpawnOptions
  /** Counts what was ended for want of memory. */
  readonly memoryDeaths: () => number
}

/** What differs between sandboxes that isolate and those that do not, on a host made ready for them. */
export interface SandboxKind {
  /** Where limits are put on a sandbox as a whole; null for nowhere. */
  readonly groups: ControlGroups | null
  isolation(limits?: SandboxSpec["limits"]): IsolationReport
  /** A user for a new sandbox in `directory`; null for our own. */
  takeOwner(directory: string): Owner | null
  /** Makes `folders` reachable for that user, until the sandbox is destroyed. */
  reach(id: string, folders: readonly BoundFolder[]): Promise<readonly BoundFolder[]>
  launch(launch: Launch): Promise<StartedProcess>
}
