import { join } from "node:path"
import { AppError, socketsPath, toolsSocketName, type Sandbox } from "@berth/core"

/** Paths as the agent sees them. */
export interface AgentPlaces {
  readonly workspace: string
  readonly toolsSocket: string
}

/**
 * In a sandbox these are the same everywhere. Without one (`isUnsafe`) the agent sees the host's own files:
 * the workspace's place is asked for, since only the provider knows where it put it.
 */
export async function findPlaces(options: {
  readonly sandbox: Sandbox
  readonly isUnsafe: boolean
  readonly socketsDirectory: string
}): Promise<AgentPlaces> {
  const { sandbox, isUnsafe, socketsDirectory } = options
  if (!isUnsafe) return { workspace: "/workspace", toolsSocket: `${socketsPath}/${toolsSocketName}` }
  const asked = await sandbox.spawn(["pwd", "-P"], { cwd: "/workspace" })
  const [text] = await Promise.all([readAll(asked.stdout), asked.exited])
  const workspace = text.trimEnd()
  if (!workspace.startsWith("/")) throw new AppError("unavailable", "The workspace's place is not known.")
  return { workspace, toolsSocket: join(socketsDirectory, toolsSocketName) }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString("utf8")
}
