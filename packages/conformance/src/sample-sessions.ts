import type { SessionRecord, SessionSpec } from "@berth/core"
import type { ProjectId, SessionId } from "@berth/protocol"
import { newLogId } from "./sample-entries.ts"

export const project = "default" as ProjectId
export const otherProject = "other" as ProjectId

export function sampleSpec(changes: Partial<SessionSpec> = {}): SessionSpec {
  return {
    agent: "shell",
    model: null,
    mode: null,
    instructions: "Be kind.",
    permissions: [{ tool: "Bash", pattern: "rm *", action: "deny" }],
    trustWorkspace: false,
    network: { allow: ["example.com"] },
    budget: { usd: 1.5 },
    idleTimeoutMs: 1_800_000,
    permissionHoldMs: 600_000,
    title: null,
    metadata: {},
    envNames: ["TOKEN"],
    limits: { memoryMib: 2048, cpu: 2, pids: 512, diskMib: 4096 },
    ...changes,
  }
}

/** `minute` orders sessions by their creation. */
export function sampleSession(
  id: string,
  minute = 0,
  spec: Partial<SessionSpec> = {},
  inProject = project,
): SessionRecord {
  const createdAt = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  return {
    project: inProject,
    id: id as SessionId,
    log: newLogId(),
    createdAt,
    updatedAt: createdAt,
    spec: sampleSpec(spec),
  }
}
