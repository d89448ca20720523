import type {
  AgentConnection,
  AgentExit,
  AgentHandlers,
  AgentLauncher,
  AgentProgram,
  Logger,
  Sandbox,
  SandboxProcess,
} from "@berth/core"
import { agentEnvironment } from "./agent-environment.ts"
import type { AgentPlaces } from "./agent-places.ts"
import { gateStream, keepTail } from "./gated-stream.ts"
import { connectAcp } from "./connect-acp.ts"

const stderrTailBytes = 2_048
const sessionIdLengthMax = 1_024

/** Starts ACP agents in a sandbox and speaks with them over stdio. */
export function createAcpLauncher(options: {
  readonly sandbox: Sandbox
  readonly program: AgentProgram
  readonly places: AgentPlaces
  readonly logger: Logger
}): AgentLauncher {
  const { sandbox, program, places, logger } = options
  return {
    async start({ session, handlers, signal }) {
      signal.throwIfAborted()
      const agent = await sandbox.spawn(program.argv, {
        env: agentEnvironment(session, program),
        cwd: "/workspace",
        dieWithParent: true,
      })
      const exited = watchExit(agent)
      const kill = (): void => void agent.kill()
      signal.addEventListener("abort", kill, { once: true })
      void exited.then(() => signal.removeEventListener("abort", kill))
      try {
        return await connectAgent({ agent, exited, handlers, places, logger })
      } catch (error) {
        await agent.kill()
        throw describeFailure(error, await exited)
      }
    },
  }
}

async function watchExit(agent: SandboxProcess): Promise<AgentExit> {
  const [exit, tail] = await Promise.all([agent.exited, keepTail(agent.stderr, stderrTailBytes)])
  return { ...exit, stderrTail: tail() }
}

async function connectAgent(options: {
  readonly agent: SandboxProcess
  readonly exited: Promise<AgentExit>
  readonly handlers: AgentHandlers
  readonly places: AgentPlaces
  readonly logger: Logger
}): Promise<AgentConnection> {
  const { agent, exited, handlers, places, logger } = options
  const wire = await connectAcp({
    stdin: agent.stdin,
    stdout: gateStream(agent.stdout, () => handlers.room()),
    handlers,
  })
  // Without its wire an agent is of no use; and its end is told by its process alone.
  void wire.closed.then(async (reason) => {
    logger.debug({ reason }, "the agent's connection is closed")
    await agent.kill()
  })
  const ask = async <Value>(request: Promise<Value>): Promise<Value> => {
    try {
      return await request
    } catch (error) {
      if (wire.isClosed()) await exited
      throw error
    }
  }
  const { agentCapabilities } = await ask(wire.initialize())
  let sessionId = ""
  const mcpServers = [
    {
      name: "berth",
      command: "/usr/bin/socat",
      args: ["STDIO", `UNIX-CONNECT:${places.toolsSocket}`],
      env: [],
    },
  ]
  return {
    canLoad: agentCapabilities?.loadSession === true,
    canSteer: canSteer(agentCapabilities?._meta),
    exited,
    async open(known, meta) {
      const request = { cwd: places.workspace, mcpServers, ...(meta === null ? {} : { _meta: meta }) }
      const opened = known === null ? await ask(wire.newSession(request)) : null
      const loaded = known === null ? null : await ask(wire.loadSession({ ...request, sessionId: known }))
      sessionId = opened?.sessionId ?? known ?? ""
      // It is kept in the session's head, which every write carries along.
      if (sessionId.length > sessionIdLengthMax) {
        throw new Error(`The agent named its session with over ${sessionIdLengthMax} characters.`)
      }
      const configOptions = opened?.configOptions ?? loaded?.configOptions ?? []
      return {
        agentSessionId: sessionId,
        configOptions: configOptions.map(({ id, category }) => ({ id, category: category ?? null })),
      }
    },
    prompt: (blocks) => ask(wire.prompt(sessionId, blocks)),
    cancel: () => wire.cancel(sessionId),
    setMode: (modeId) => ask(wire.setMode(sessionId, modeId)),
    setConfigOption: (configId, value) => ask(wire.setConfigOption(sessionId, configId, value)),
    end: () => agent.stdin.close().catch(() => undefined),
    kill: () => agent.kill(),
  }
}

/** The Claude adapter says so when it takes prompts during a turn. */
function canSteer(meta: Readonly<Record<string, unknown>> | null | undefined): boolean {
  return Object.values(meta ?? {}).some(
    (own) =>
      typeof own === "object" && own !== null && "promptQueueing" in own && own.promptQueueing === true,
  )
}

function describeFailure(error: unknown, exit: AgentExit): Error {
  const message = error instanceof Error ? error.message : String(error)
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`
  const tail = exit.stderrTail === "" ? "" : `; it wrote: ${exit.stderrTail}`
  return new Error(`${message} (${how})${tail}`, { cause: error })
}
