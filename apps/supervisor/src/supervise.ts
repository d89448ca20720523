import {
  createRunner,
  createWorkspace,
  gatewayPort,
  gatewaySocketName,
  type Logger,
  type RunnerEnd,
  type RunnerLink,
  type Sandbox,
  type SandboxProvider,
} from "@berth/core"
import { createAcpLauncher } from "./acp-launcher.ts"
import { findPlaces } from "./agent-places.ts"
import type { LaunchDocument } from "./config.ts"
import { createFileSpool } from "./file-spool.ts"
import { createHttpClient } from "./http-request.ts"
import { createHttpRunnerLink } from "./http-runner-link.ts"
import { createIds, hashContent, systemClock } from "./system-runtime.ts"
import { startToolsServer } from "./tools-server.ts"

/** Makes the sandbox, drives the session in it until its end, and cleans up what is no longer needed. */
export async function supervise(options: {
  readonly document: LaunchDocument
  readonly provider: SandboxProvider
  readonly logger: Logger
  /** Ends it well, soon. */
  readonly signal: AbortSignal
}): Promise<RunnerEnd> {
  const { document, provider, logger, signal } = options
  const { logId, agent, socketsDirectory, isUnsafe } = document
  const clock = systemClock
  const client = createHttpClient({ socketPath: document.serverSocket, token: document.token })
  const link = createHttpRunnerLink({ client, log: logId })
  const spool = await createFileSpool(document.stateDirectory)
  const sandbox = await createSandbox(provider, document).catch(async (error: unknown) => {
    await reportFailure(link, error).catch((cause: unknown) => {
      logger.warn({ error: cause }, "nobody could be told that there is no sandbox")
    })
    throw error
  })
  const { files } = sandbox
  const maxBytes = document.limits.diskMib * 1024 * 1024
  const places = await findPlaces({ sandbox, isUnsafe, socketsDirectory })
  const closers = [() => client.close(), () => spool.close()]
  const runner = createRunner({
    link,
    spool,
    sandbox,
    launcher: createAcpLauncher({ sandbox, program: agent, places, logger }),
    program: agent,
    createWorkspace: (blobs) =>
      createWorkspace({ files, blobs, hashContent, clock, memory: agent.memory, maxBytes }),
    hashContent,
    serveTools: async (tools) => {
      const server = await startToolsServer({ directory: socketsDirectory, tools, logger })
      closers.push(() => server.close())
    },
    orphanTimeoutMs: document.orphanTimeoutMs,
    clock,
    ids: createIds(),
    logger,
  })
  try {
    const end = await runner.run(signal)
    // What an orphan leaves, somebody may still want to look at; all else is in the log.
    if (end !== "orphaned") await provider.destroy(sandbox.id)
    return end
  } finally {
    for (const close of closers) close()
  }
}

function createSandbox(provider: SandboxProvider, document: LaunchDocument): Promise<Sandbox> {
  const { logId, generation, limits, agent, socketsDirectory } = document
  return provider.create({
    labels: { logId, generation },
    limits,
    programs: agent.programs,
    sockets: { directory: socketsDirectory, forwards: [{ port: gatewayPort, socket: gatewaySocketName }] },
  })
}

/** Once: when the log is away too, the supervisor's own log has it, and the server sees that it ended. */
async function reportFailure(link: RunnerLink, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error)
  const params = { sessionId: "", code: "sandbox_start_failed", message: message.slice(0, 2048) }
  const notification = { jsonrpc: "2.0" as const, method: "_berth/error" as const, params }
  await link.append(1, [{ type: "notification", notification }])
}
