import { spawn, type ChildProcess } from "node:child_process"
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { getRequestListener } from "@hono/node-server"
import { createInternalApi } from "@berth/api"
import {
  createHead,
  createRunnerAccess,
  createRunnerTokens,
  serverEntry,
  type EventLog,
  type Logger,
  type SessionRecord,
} from "@berth/core"
import { createMemoryStores } from "@berth/memory"
import {
  defaultProjectId,
  limits,
  runnerProtocolVersion,
  type Command,
  type Entry,
  type LogId,
  type SessionId,
} from "@berth/protocol"
import type { LaunchDocument } from "./config.ts"
import { scriptedAgent } from "./scripted-agent.test-support.ts"
import { createIds, systemClock } from "./system-runtime.ts"

const mainPath = fileURLToPath(new URL("main.ts", import.meta.url))
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const sessionId = "s" as SessionId

export type Line = (line: string) => boolean

/** The door for runners as the server has it, over stores in memory; and supervisors as real processes. */
export async function createTestServer(spec: Partial<SessionRecord["spec"]> = {}) {
  const directory = await mkdtemp(join(tmpdir(), "bsv-"))
  // A sandbox has a uid of its own and passes through here.
  await chmod(directory, 0o711)
  const socketPath = join(directory, "server.sock")
  const sandboxDirectory = join(directory, "sandboxes")
  const clock = systemClock
  const ids = createIds()
  const stores = createMemoryStores({ clock, ids })
  const { leases } = stores
  const eventLog: EventLog = stores.log
  const log = `log_${ids.next()}` as LogId
  await eventLog.create(log, createHead(sessionId))
  await stores.sessions.insert(recordOf(log, spec))
  await stores.keys.putSecrets(`session/${log}`, { FROM_SESSION: "session", FROM_AGENT: "session" })
  const runnerTokens = createRunnerTokens({ key: crypto.getRandomValues(new Uint8Array(32)) })
  const orchestrator = { wake: () => {} }
  const ports = {
    eventLog,
    leaseStore: leases,
    sessionStore: stores.sessions,
    keyStore: stores.keys,
    blobStore: stores.blobs,
    orchestrator,
  }
  const runnerAccess = createRunnerAccess(ports)
  const api = createInternalApi({ ...ports, runnerAccess, runnerTokens, clock, logger: silent })
  let server: Server | null = null
  const sockets = new Set<Socket>()
  const children: ChildProcess[] = []
  const outputs: string[] = []
  let generation = 0

  const open = async (): Promise<void> => {
    const opened = createServer(getRequestListener(api.fetch))
    opened.on("connection", (socket) => {
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    })
    await new Promise<void>((resolve) => opened.listen(socketPath, resolve))
    server = opened
  }

  /** As a SIGKILL does: every connection is cut, and the socket is gone. */
  const cut = async (): Promise<void> => {
    const closing = server
    server = null
    if (closing === null) return
    const closed = new Promise((resolve) => closing.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  const entries = async (): Promise<readonly Entry[]> => {
    const all: Entry[] = []
    for (;;) {
      const page = await eventLog.read(log, all.length, 1_000_000)
      if (page.entries.length === 0) return all
      for (const { text } of page.entries) all.push(JSON.parse(text) as Entry)
    }
  }

  const lines = async (): Promise<readonly string[]> => (await entries()).map(tell)

  /** Resolves with all lines once one of them fits. */
  const until = async (fits: string | Line, timeoutMs = 15_000): Promise<readonly string[]> => {
    const test: Line = typeof fits === "string" ? (line) => line === fits : fits
    const signal = AbortSignal.timeout(timeoutMs)
    for await (const page of eventLog.tail(log, 0, { signal })) {
      if (page.entries.some(({ text }) => test(tell(JSON.parse(text) as Entry)))) return lines()
    }
    throw new Error(
      `it never came: ${String(fits)}\n${(await lines()).slice(-40).join("\n")}\n${outputs.join("\n")}`,
    )
  }

  const submit = async (
    command: Omit<Command, "jsonrpc">,
    resolution?: { readonly questionId: string; readonly answer: Record<string, string> },
  ): Promise<number> => {
    const message = { jsonrpc: "2.0", ...command } as Command
    const key = ids.next()
    const params = { sessionId, by: "test", ...resolution } as never
    const more = resolution === undefined ? [] : [serverEntry({ method: "_berth/question_resolved", params })]
    const entry = { origin: "client" as const, body: { type: "client_message" as const, message, key } }
    return (await eventLog.submit(log, { key, entries: [entry, ...more] })).seq
  }

  const prompt = (text: string): Promise<number> =>
    submit({ method: "session/prompt", params: { prompt: [{ type: "text", text }] } })

  /** A supervisor that waits for its document. */
  const spawnSupervisor = () => {
    const child = spawn(process.execPath, [mainPath, sandboxDirectory], {
      detached: true,
      stdio: ["pipe", "ignore", "pipe"],
      env: { PATH: process.env["PATH"] },
    })
    children.push(child)
    child.stderr?.setEncoding("utf8").on("data", (text: string) => outputs.push(text))
    return {
      pid: child.pid ?? 0,
      exited: new Promise<number | null>((resolve) => child.once("exit", resolve)),
      output: () => outputs.join(""),
      kill: (signal: NodeJS.Signals) => child.kill(signal),
      begin: (document: string) => void child.stdin?.end(document),
    }
  }

  const documentFor = async (overrides: Partial<LaunchDocument> = {}): Promise<LaunchDocument> => {
    generation += 1
    const { epoch } = await leases.claim(log, `runner/${generation}`, limits.leaseTtlMs, { force: true })
    const params = { sessionId, state: "created" as const, generation }
    await eventLog.append(log, epoch, [serverEntry({ method: "_berth/sandbox", params })])
    const stateDirectory = join(directory, `state-${generation}`)
    const socketsDirectory = join(directory, `sockets-${generation}`)
    await mkdir(stateDirectory)
    await mkdir(socketsDirectory, { mode: 0o755 })
    return {
      protocol: runnerProtocolVersion,
      logId: log,
      generation,
      epoch,
      token: await runnerTokens.issue({ log, generation, epoch }),
      serverSocket: socketPath,
      stateDirectory,
      sandboxDirectory,
      socketsDirectory,
      agent: scriptedAgent,
      isUnsafe: false,
      limits: limits.sandbox,
      orphanTimeoutMs: 60_000,
      logLevel: "debug",
      ...overrides,
    }
  }

  const launch = async (overrides: Partial<LaunchDocument> = {}) => {
    const document = await documentFor(overrides)
    const { stateDirectory } = document
    const { begin, ...running } = spawnSupervisor()
    begin(JSON.stringify(document))
    return { ...running, stateDirectory }
  }

  const close = async (): Promise<void> => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const exited = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGKILL")
      await exited
    }
    await cut()
    await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }

  await mkdir(sandboxDirectory)
  await open()
  return {
    directory,
    log,
    stores,
    eventLog,
    open,
    cut,
    entries,
    lines,
    until,
    submit,
    prompt,
    launch,
    documentFor,
    spawnSupervisor,
    close,
  }
}

export type TestServer = Awaited<ReturnType<typeof createTestServer>>

function recordOf(log: LogId, spec: Partial<SessionRecord["spec"]>): SessionRecord {
  const at = new Date().toISOString()
  return {
    project: defaultProjectId,
    id: sessionId,
    log,
    createdAt: at,
    updatedAt: at,
    spec: {
      agent: "scripted",
      model: null,
      mode: null,
      instructions: null,
      permissions: "ask",
      trustWorkspace: false,
      network: "none",
      budget: null,
      idleTimeoutMs: 1_800_000,
      permissionHoldMs: 600_000,
      title: null,
      metadata: {},
      envNames: [],
      limits: limits.sandbox,
      ...spec,
    },
  }
}

function tell(entry: Entry): string {
  if (entry.type === "client_message") return `> ${entry.message.method}`
  if (entry.type === "spilled") return `spilled ${entry.method}`
  const { method, params } = entry.notification
  if (method === "session/update") {
    const content = params.update["content"] as { readonly text?: string } | undefined
    return `say ${content?.text ?? params.update.sessionUpdate}`
  }
  const name = method.replace("_berth/", "")
  const words = ["state", "outcome", "code", "kind", "status"].map(
    (field) => (params as Record<string, unknown>)[field],
  )
  return [name, ...words.filter((word) => typeof word === "string")].join(" ")
}
