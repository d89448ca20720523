import { createHash } from "node:crypto"
import { createMemoryStores } from "@berth/memory"
import {
  defaultProjectId,
  limits,
  type BlobHash,
  type Command,
  type Entry,
  type LogId,
  type SessionId,
} from "@berth/protocol"
import { decodeEntry } from "../log/encode-entry.ts"
import type { BlobStore } from "../ports/blob-store.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import type { Clock, Ids, Logger } from "../ports/runtime.ts"
import type { Sandbox, SandboxFiles } from "../ports/sandbox-provider.ts"
import { createHead } from "../session/head.ts"
import type { AgentConnection, AgentExit, AgentHandlers, AgentLauncher } from "./agent-connection.ts"
import type { AgentTools } from "./agent-tools.ts"
import { createRunner, type RunnerEnd } from "./create-runner.ts"
import type { RunnerOptions } from "./runner-options.ts"
import { createRunnerAccess } from "./runner-access.ts"
import type { RunnerLink } from "./runner-link.ts"
import { createMemorySpool } from "./spool.ts"

/** Time that moves only by `advance`. */
export function createTestClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = Date.parse("2026-01-01T00:00:00Z")
  const timers = new Set<{ at: number; fire: () => void }>()
  return {
    now: () => now,
    sleep: (ms, options = {}) =>
      new Promise((resolve) => {
        if (options.signal?.aborted === true) return resolve()
        const timer = { at: now + ms, fire: () => {} }
        timer.fire = () => {
          timers.delete(timer)
          resolve()
        }
        timers.add(timer)
        options.signal?.addEventListener("abort", () => timer.fire(), { once: true })
      }),
    async advance(ms) {
      const end = now + ms
      for (;;) {
        await settle(3)
        const next = [...timers].toSorted((left, right) => left.at - right.at)[0]
        if (next === undefined || next.at > end) break
        now = Math.max(now, next.at)
        next.fire()
      }
      now = end
      await settle()
    },
  }
}

/** Blob stores hash in a thread pool: what waits for it is not still. */
let hashing = 0

/** Lets everything happen that needs no time to pass. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns || hashing > 0; turn += 1) {
    if (hashing > 0) turn = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function countHashing(blobs: BlobStore): BlobStore {
  return {
    ...blobs,
    put: async (project, content, options) => {
      hashing += 1
      try {
        return await blobs.put(project, content, options)
      } finally {
        hashing -= 1
      }
    },
  }
}

export function createTestIds(): Ids {
  let last = 0
  return { next: () => String((last += 1)).padStart(26, "0") }
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export interface ScriptContext {
  readonly handlers: AgentHandlers
  say(text: string): void
  readonly cancelled: Promise<void>
  exit(code: number): void
}
export type Script = (prompt: string, context: ScriptContext) => Promise<string>

export interface ScriptedAgent {
  readonly launcher: AgentLauncher
  /** What happened to it, in order. */
  readonly events: string[]
}

/** An agent whose every prompt runs `script`; what it answers is the stop reason. */
export function createScriptedAgent(
  script: Script,
  traits: {
    readonly canLoad?: boolean
    readonly canSteer?: boolean
    readonly failsToStart?: boolean
    readonly loadFails?: boolean
  } = {},
): ScriptedAgent {
  const events: string[] = []
  let starts = 0
  const start: AgentLauncher["start"] = async ({ handlers }) => {
    starts += 1
    const name = `agent${starts}`
    events.push(`${name} start`)
    if (traits.failsToStart === true) throw new Error("no such program")
    const ended = Promise.withResolvers<AgentExit>()
    let cancel = Promise.withResolvers<void>()
    const exit = (code: number | null, signal: string | null): void =>
      ended.resolve({ code, signal, reason: signal === null ? "exited" : "killed", stderrTail: "" })
    const say = (text: string): void =>
      handlers.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } })
    const connection: AgentConnection = {
      canLoad: traits.canLoad ?? true,
      canSteer: traits.canSteer ?? false,
      exited: ended.promise,
      async open(known) {
        events.push(`${name} ${known === null ? "new" : `load ${known}`}`)
        if (known !== null) {
          if (traits.loadFails === true) throw new Error("no such session")
          say("replayed")
        }
        return { agentSessionId: known ?? `conversation-of-${name}`, configOptions: [] }
      },
      async prompt(blocks) {
        const text = blocks.map((block) => String(block["text"])).join("\n")
        events.push(`${name} prompt ${text}`)
        cancel = Promise.withResolvers<void>()
        const context = { handlers, say, cancelled: cancel.promise, exit: (code: number) => exit(code, null) }
        const gone = ended.promise.then(() => {
          throw new Error("the connection is closed")
        })
        return { stopReason: await Promise.race([script(text, context), gone]) }
      },
      async cancel() {
        events.push(`${name} cancel`)
        cancel.resolve()
      },
      async setMode(modeId) {
        if (modeId === "bad") throw new Error("no such mode")
        events.push(`${name} mode ${modeId}`)
      },
      async setConfigOption(id, value) {
        events.push(`${name} option ${id}=${value}`)
      },
      async end() {
        exit(0, null)
      },
      async kill() {
        events.push(`${name} kill`)
        exit(null, "SIGKILL")
        await ended.promise
      },
    }
    return connection
  }
  return { launcher: { start }, events }
}

export const testLog = "log_00000000000000000000000001" as LogId
const sessionId = "s" as SessionId

const record = (overrides: Partial<SessionRecord["spec"]>): SessionRecord => ({
  project: defaultProjectId,
  id: sessionId,
  log: testLog,
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  spec: {
    agent: "shell",
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
    ...overrides,
  },
})

/** A session over the memory stores, with runners that are started one after the other. */
export async function createTestSession(spec: Partial<SessionRecord["spec"]> = {}) {
  const clock = createTestClock()
  const ids = createTestIds()
  const plain = createMemoryStores({ clock, ids })
  const stores = { ...plain, blobs: countHashing(plain.blobs) }
  const { log: eventLog, leases, sessions, keys, blobs } = stores
  await eventLog.create(testLog, createHead(sessionId))
  await sessions.insert(record(spec))
  const access = createRunnerAccess({
    eventLog,
    leaseStore: leases,
    sessionStore: sessions,
    keyStore: keys,
    blobStore: blobs,
    orchestrator: { wake: () => {} },
  })
  const files = createMemoryFiles()
  let generation = 0

  const entries = async (): Promise<readonly Entry[]> => {
    const all: Entry[] = []
    for (;;) {
      const page = await eventLog.read(testLog, all.length, 1_000)
      if (page.entries.length === 0) return all
      all.push(...page.entries.map(({ text }) => decodeEntry(text)))
    }
  }

  /** One line an entry: `turn_started`, `turn_ended completed`, `say hello`, `prompt#3`, … */
  const story = async (): Promise<readonly string[]> =>
    (await entries()).map(tell).filter((line) => line !== "")

  const submit = async (
    command: Omit<Command, "jsonrpc">,
    resolution?: Record<string, unknown>,
  ): Promise<number> => {
    const message = { jsonrpc: "2.0", ...command } as Command
    const key = ids.next()
    const more = resolution === undefined ? [] : [resolvedEntry(resolution)]
    const { seq } = await eventLog.submit(testLog, {
      key,
      entries: [{ origin: "client", body: { type: "client_message", message, key } }, ...more],
    })
    return seq
  }

  const start = async (
    agent: ScriptedAgent,
    overrides: Partial<RunnerOptions> & { readonly wrapLink?: (link: RunnerLink) => RunnerLink } = {},
  ) => {
    generation += 1
    const { epoch } = await leases.claim(testLog, `runner/${generation}`, limits.leaseTtlMs, { force: true })
    const link = access.open({ log: testLog, generation, epoch })
    const stop = new AbortController()
    const exceeded = Promise.withResolvers<"disk">()
    const spool = createMemorySpool()
    let tools: AgentTools | null = null
    let isStopped = false
    const sandbox: Sandbox = {
      id: `sandbox-${generation}`,
      isolation: { level: "none", user: "none", seccomp: false, limits: noLimits },
      files: files.port,
      spawn: () => Promise.reject(new Error("nothing is spawned here")),
      stop: async () => void (isStopped = true),
      exceeded: exceeded.promise,
    }
    const runner = createRunner({
      link: overrides.wrapLink?.(link) ?? link,
      spool,
      sandbox,
      launcher: agent.launcher,
      program: { instructions: "prompt" },
      createWorkspace: (blobStore) => createMemoryWorkspace(files, blobStore),
      hashContent: async (content) => hashOf(new Uint8Array(await new Response(content).arrayBuffer())),
      serveTools: async (served) => void (tools = served),
      orphanTimeoutMs: limits.orphanTimeoutMs,
      clock,
      ids,
      logger: silent,
      ...overrides,
    })
    const ended: Promise<RunnerEnd> = runner.run(stop.signal)
    await settle()
    return {
      link,
      epoch,
      generation,
      spool,
      ended,
      stop: () => stop.abort(),
      fillDisk: () => exceeded.resolve("disk"),
      isStopped: () => isStopped,
      tools: () => {
        if (tools === null) throw new Error("no tools yet")
        return tools
      },
    }
  }

  const prompt = (text: string, steer?: boolean): Promise<number> =>
    submit({
      method: "session/prompt",
      params: { prompt: [{ type: "text", text }], ...(steer === undefined ? {} : { steer }) },
    })

  const head = async () => (await eventLog.state(testLog)).head

  return {
    log: testLog,
    project: defaultProjectId,
    clock,
    stores,
    files,
    entries,
    story,
    submit,
    prompt,
    start,
    head,
  }
}

const noLimit = { value: 0, mechanism: "none" } as const
const noLimits = { memory_mib: noLimit, cpu: noLimit, pids: noLimit, disk_mib: noLimit }

function resolvedEntry(params: Record<string, unknown>) {
  return {
    origin: "server" as const,
    body: {
      type: "notification" as const,
      notification: {
        jsonrpc: "2.0" as const,
        method: "_berth/question_resolved" as const,
        params: { sessionId, by: "test", ...params } as never,
      },
    },
  }
}

function tell(entry: Entry): string {
  if (entry.type === "client_message") return `> ${entry.message.method}`
  if (entry.type === "spilled") return `spilled ${entry.method}`
  const { notification } = entry
  switch (notification.method) {
    case "session/update": {
      const content = notification.params.update["content"] as { text?: string } | undefined
      return `say ${content?.text ?? notification.params.update.sessionUpdate}`
    }
    case "_berth/turn_ended": {
      const { outcome, error } = notification.params
      return `turn_ended ${outcome}${error === undefined ? "" : `: ${error}`}`
    }
    case "_berth/command_state": {
      const { state, commandSeq, reason } = notification.params
      return state === "declined" || state === "done"
        ? `${state} ${commandSeq}${reason === undefined ? "" : `: ${reason}`}`
        : ""
    }
    case "_berth/session_state":
      return ""
    case "_berth/agent_state": {
      const { state, resumed } = notification.params
      return `agent ${state}${resumed === true ? " resumed" : ""}`
    }
    case "_berth/sandbox":
      return `sandbox ${notification.params.state}`
    case "_berth/error":
      return `error ${notification.params.code}`
    case "_berth/question":
      return `question ${notification.params.kind} ${notification.params.message}`
    default:
      return notification.method.replace("_berth/", "")
  }
}

export function hashOf(bytes: Uint8Array): BlobHash {
  return createHash("sha256").update(bytes).digest("hex") as BlobHash
}

interface MemoryFiles {
  readonly content: Map<string, Uint8Array<ArrayBuffer>>
  readonly port: SandboxFiles
}

function createMemoryFiles(): MemoryFiles {
  const content = new Map<string, Uint8Array<ArrayBuffer>>()
  const infoOf = (path: string, bytes: Uint8Array) => ({
    path,
    kind: "file" as const,
    size: bytes.byteLength,
    mode: 0o644,
    stamp: hashOf(bytes),
  })
  return {
    content,
    port: {
      async *walk() {
        for (const [path, bytes] of content) yield infoOf(path, bytes)
      },
      stat: async (_root, path) => {
        const bytes = content.get(path)
        return bytes === undefined ? null : infoOf(path, bytes)
      },
      read: async (_root, path) => {
        const bytes = content.get(path)
        return bytes === undefined ? null : { info: infoOf(path, bytes), content: new Blob([bytes]).stream() }
      },
      write: async (_root, path, stream) => {
        const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
        content.set(path, bytes)
        return { size: bytes.byteLength }
      },
      link: async () => {},
      makeDirectory: async () => {},
      remove: async (_root, path) => content.delete(path),
    },
  }
}

function createMemoryWorkspace(files: MemoryFiles, blobs: RunnerLink["blobs"]) {
  return {
    async restore(manifest: BlobHash) {
      const stream = await blobs.get(manifest)
      if (stream === null) throw new Error("the manifest is gone")
      const saved = (await new Response(stream).json()) as Record<string, string>
      for (const [path, text] of Object.entries(saved))
        files.content.set(path, new TextEncoder().encode(text))
      return { skipped: [], skippedCount: 0 }
    },
    async snapshot() {
      const saved = Object.fromEntries(
        [...files.content].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]),
      )
      const bytes = new TextEncoder().encode(JSON.stringify(saved))
      const manifest = hashOf(bytes)
      await blobs.put(manifest, new Blob([bytes]).stream())
      return {
        manifest,
        files: files.content.size,
        bytes: bytes.byteLength,
        fuzzy: false,
        skipped: [],
        skippedCount: 0,
      }
    },
  }
}
