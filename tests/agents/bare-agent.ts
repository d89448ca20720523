import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  client,
  methods,
  ndJsonStream,
  type ClientConnection,
  type NewSessionRequest,
  type PromptResponse,
  type RequestPermissionOutcome,
  type RequestPermissionRequest,
  type SessionUpdate,
} from "@agentclientprotocol/sdk"
import { createBubblewrapProvider } from "@berth/bubblewrap"
import {
  createWorkspace,
  gatewayPort,
  gatewaySocketName,
  resolveAgent,
  type AgentProgram,
  type Clock,
  type Logger,
  type Sandbox,
  type SandboxProcess,
} from "@berth/core"
import type { BlobHash, LogId } from "@berth/protocol"
import { cachedAgent } from "./agent-cache.ts"
import type { StandIn } from "./stand-in.ts"

/** The key that agents hold: of no use outside, the gateway puts another in its place. */
export function keyInside(program: AgentProgram): string {
  const key = program.env["ANTHROPIC_API_KEY"] ?? program.env["OPENAI_API_KEY"]
  if (key === undefined) throw new Error(`${program.name} has no key`)
  return key
}

export async function programOf(name: string): Promise<AgentProgram> {
  const places = {
    nodePath: "/opt/berth/node/bin/node",
    shellPath: "/unused/shell.js",
    installed: [await cachedAgent(name)],
  }
  return resolveAgent(name, places)
}

export interface BareAgent {
  readonly sessionId: string
  readonly updates: SessionUpdate[]
  readonly asked: RequestPermissionRequest[]
  /** Which kind of option it is answered with, or null to leave it waiting. */
  answer: "allow_once" | "reject_once" | null
  readonly sandbox: Sandbox
  prompt(text: string): Promise<PromptResponse>
  cancel(): Promise<void>
  /** Message text since the last call. */
  takeText(): string
  waitFor(isThere: (update: SessionUpdate) => boolean): Promise<void>
  waitAsked(): Promise<void>
  /** Snapshots the sandbox, replaces it by a new one, and loads the conversation there. */
  moveToNewSandbox(): Promise<void>
  end(): Promise<void>
}

/** A real agent in a real sandbox, with nothing in reach but the stand-in, and us as its ACP client. */
export async function startBareAgent(options: {
  readonly program: AgentProgram
  /** What the workspace holds before the agent starts. */
  readonly files: Readonly<Record<string, string>>
  readonly standIn: (socketPath: string) => Promise<StandIn>
}): Promise<BareAgent> {
  const { program } = options
  const directory = mkdtempSync(join(tmpdir(), "bare-"))
  chmodSync(directory, 0o755)
  const sockets = join(directory, "sockets")
  mkdirSync(sockets, { mode: 0o755 })
  const socketPath = join(sockets, gatewaySocketName)
  const standIn = await options.standIn(socketPath)
  chmodSync(socketPath, 0o666)
  const clock: Clock = {
    now: () => Date.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }
  const provider = createBubblewrapProvider({ directory: join(directory, "sandboxes"), logger: quiet, clock })
  const blobs = new Map<BlobHash, Uint8Array<ArrayBuffer>>()
  const updates: SessionUpdate[] = []
  const asked: RequestPermissionRequest[] = []
  const watchers = new Set<() => void>()
  const wake = (): void => watchers.forEach((watch) => watch())

  const answer = ({
    options: choices,
  }: RequestPermissionRequest): Promise<{ outcome: RequestPermissionOutcome }> => {
    const chosen = choices.find((choice) => choice.kind === bare.answer)
    if (chosen === undefined) return new Promise(() => undefined)
    return Promise.resolve({ outcome: { outcome: "selected", optionId: chosen.optionId } })
  }

  const makeSandbox = (): Promise<Sandbox> =>
    provider.create({
      labels: { logId: "log_00000000000000000000000000" as LogId, generation: 1 },
      limits: { memoryMib: 4096, cpu: 2, pids: 512, diskMib: 4096 },
      programs: program.programs,
      sockets: { directory: sockets, forwards: [{ port: gatewayPort, socket: gatewaySocketName }] },
    })

  const connect = async (
    sandbox: Sandbox,
  ): Promise<{ agent: SandboxProcess; connection: ClientConnection }> => {
    const agent = await sandbox.spawn(program.argv, {
      env: {
        HOME: "/home/agent",
        PATH: "/opt/berth/node/bin:/usr/bin:/bin",
        LANG: "C.UTF-8",
        NO_PROXY: "127.0.0.1,localhost",
        CI: "true",
        TERM: "dumb",
        NO_COLOR: "1",
        ...program.env,
      },
      dieWithParent: true,
    })
    void agent.stderr.pipeTo(new WritableStream())
    const connection = client({ name: "berth-tests" })
      .onNotification(methods.client.session.update, ({ params }) => {
        updates.push(params.update)
        wake()
      })
      .onRequest(methods.client.session.requestPermission, ({ params }) => {
        asked.push(params)
        wake()
        return answer(params)
      })
      .connect(ndJsonStream(agent.stdin, agent.stdout))
    await connection.agent.request(methods.agent.initialize, { protocolVersion: 1, clientCapabilities: {} })
    return { agent, connection }
  }

  const until = async (isThere: () => boolean): Promise<void> => {
    const seen = Promise.withResolvers<void>()
    const watch = (): void => {
      if (isThere()) seen.resolve()
    }
    watchers.add(watch)
    watch()
    await seen.promise
    watchers.delete(watch)
  }

  const meta = program.meta === undefined ? {} : { _meta: { ...program.meta.untrusted } }
  const place: NewSessionRequest = { cwd: "/workspace", mcpServers: [], ...meta }
  let sandbox = await makeSandbox()
  for (const [path, text] of Object.entries(options.files)) {
    await sandbox.files.write("workspace", path, new Blob([text]).stream())
  }
  let running = await connect(sandbox)
  const { sessionId } = await running.connection.agent.request(methods.agent.session.new, place)

  const workspaceOf = (of: Sandbox) =>
    createWorkspace({
      files: of.files,
      memory: program.memory,
      clock,
      blobs: {
        missing: (hashes) => Promise.resolve(hashes.filter((hash) => !blobs.has(hash))),
        put: async (hash, content) => {
          blobs.set(
            hash,
            new Uint8Array(
              await new Response(content as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
            ),
          )
        },
        get: (hash) => {
          const bytes = blobs.get(hash)
          return Promise.resolve(bytes === undefined ? null : new Blob([bytes]).stream())
        },
      },
      hashContent: async (content) => {
        const hash = createHash("sha256")
        for await (const chunk of content) hash.update(chunk)
        return hash.digest("hex") as BlobHash
      },
    })

  const bare: BareAgent = {
    sessionId,
    updates,
    asked,
    answer: "allow_once",
    get sandbox() {
      return sandbox
    },
    prompt: (text) =>
      running.connection.agent.request(methods.agent.session.prompt, {
        sessionId,
        prompt: [{ type: "text", text }],
      }),
    cancel: () => running.connection.agent.notify(methods.agent.session.cancel, { sessionId }),
    takeText: () =>
      updates
        .splice(0)
        .flatMap((update) =>
          update.sessionUpdate === "agent_message_chunk" && update.content.type === "text"
            ? [update.content.text]
            : [],
        )
        .join(""),
    waitFor: (isThere) => until(() => updates.some(isThere)),
    waitAsked: () => until(() => asked.length > 0),
    async moveToNewSandbox() {
      await running.agent.kill()
      const { manifest } = await workspaceOf(sandbox).snapshot()
      await provider.destroy(sandbox.id)
      sandbox = await makeSandbox()
      await workspaceOf(sandbox).restore(manifest)
      running = await connect(sandbox)
      await running.connection.agent.request(methods.agent.session.load, { ...place, sessionId })
      updates.length = 0
    },
    async end() {
      await running.agent.kill()
      await provider.destroy(sandbox.id)
      await standIn.close()
      rmSync(directory, { recursive: true })
    },
  }
  return bare
}

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
