import { isLogId, runnerProtocolVersion, type LogId } from "@berth/protocol"
import type { AgentProgram } from "@berth/core"
import { z } from "zod"

const absolutePath = z.string().startsWith("/")
const program = z.object({ source: absolutePath, target: absolutePath })
const meta = z.record(z.string(), z.unknown())

const agentProgram: z.ZodType<AgentProgram> = z.object({
  name: z.string(),
  argv: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()),
  programs: z.array(program),
  memory: z.array(z.string()),
  upstreams: z.array(z.string()),
  meta: z.object({ untrusted: meta, trusted: meta }).exactOptional(),
  instructions: z.enum(["meta", "prompt"]),
})

/** What a supervisor is started with: one JSON document on stdin, then its end. Paths are the host's. */
export const launchDocument = z.object({
  protocol: z.literal(runnerProtocolVersion),
  logId: z.custom<LogId>((value) => typeof value === "string" && isLogId(value), "no log id"),
  generation: z.number().int().positive(),
  epoch: z.number().int().positive(),
  /** Bound to (log, generation, epoch); kept in memory alone. */
  token: z.string().min(1),
  /** Unix socket of the server. */
  serverSocket: absolutePath,
  /** This runner's own folder: `supervisor.json`, `spool.ndjson`, `blobs/`. */
  stateDirectory: absolutePath,
  /** Where sandboxes of this host keep their files. */
  sandboxDirectory: absolutePath,
  /** Folder of `gateway.sock`; `tools.sock` is made in it. Shown inside, read-only, at `/run/berth`. */
  socketsDirectory: absolutePath,
  agent: agentProgram,
  isUnsafe: z.boolean(),
  limits: z.object({
    memoryMib: z.number().positive(),
    cpu: z.number().positive(),
    pids: z.number().int().positive(),
    diskMib: z.number().positive(),
  }),
  orphanTimeoutMs: z.number().positive(),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
  /** Folder of a Node installation (`bin/node`), shown inside at `/opt/node` and put on PATH. */
  nodeDirectory: absolutePath.optional(),
})
export type LaunchDocument = z.infer<typeof launchDocument>

const launchBytesMax = 4 * 1024 * 1024

/** Reads the launch document to the end of `input`; null when there is none. Throws an Error that names the faulty field. */
export async function readLaunchDocument(input: AsyncIterable<Uint8Array>): Promise<LaunchDocument | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of input) {
    bytes += chunk.byteLength
    if (bytes > launchBytesMax) throw new Error(`The launch document is over ${launchBytesMax} bytes.`)
    chunks.push(chunk)
  }
  if (bytes === 0) return null
  const parsed = launchDocument.safeParse(JSON.parse(Buffer.concat(chunks).toString("utf8")))
  if (!parsed.success) throw new Error(`The launch document: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
