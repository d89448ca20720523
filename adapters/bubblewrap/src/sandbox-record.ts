import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { SandboxLabels, SandboxSpec } from "@berth/core"
import type { IsolationReport } from "@berth/protocol"
import type { SandboxGroup } from "./cgroup/sandbox-group.ts"
import type { Owner } from "./files/owner.ts"
import { hasErrno } from "./has-errno.ts"
import type { Forward } from "./launch/forwards.ts"

/** A host folder shown inside. */
export interface BoundFolder {
  readonly source: string
  readonly target: string
  readonly isWritable: boolean
}

/** All that is known of a sandbox, in its `sandbox.json`: any process of ours can end it or use it. */
export interface SandboxRecord {
  readonly version: 1
  readonly id: string
  readonly labels: SandboxLabels
  readonly limits: SandboxSpec["limits"]
  readonly forwards: readonly Forward[]
  readonly folders: readonly BoundFolder[]
  /** Null where sandboxed processes have our own uid on the host. */
  readonly owner: Owner | null
  readonly group: SandboxGroup | null
  readonly isolation: IsolationReport
  readonly createdAt: string
}

export const recordName = "sandbox.json"
const idPattern = /^[0-9a-f]{24}$/

/** Whether `text` can name a sandbox, and so be joined to a path. */
export function isSandboxId(text: string): boolean {
  return idPattern.test(text)
}

/** Replaces the record at once. */
export function writeRecord(folder: string, record: SandboxRecord): void {
  const path = join(folder, recordName)
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Null when there is none: not yet written, being removed, or cut by a loss of power. */
export function readRecord(folder: string): SandboxRecord | null {
  try {
    const record: unknown = JSON.parse(readFileSync(join(folder, recordName), "utf8"))
    return isRecord(record) ? record : null
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR") || error instanceof SyntaxError) return null
    throw error
  }
}

/** The file is ours alone; this only tells a whole record of this version from anything else. */
function isRecord(value: unknown): value is SandboxRecord {
  return typeof value === "object" && value !== null && "version" in value && value.version === 1
}
