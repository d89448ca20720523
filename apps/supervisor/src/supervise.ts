import {
  createRunner,
  createWorkspace,
  gatewayPort,
  gatewaySocketName,
  type Logger,
  type RunnerEnd,
  type SandboxProvider,
} from "@berth/core"
import { createAcpLauncher } from "./acp-launcher.ts"
import type { LaunchDocument } from "./config.ts"
import { createFileSpool } from "./file-spool.ts"
import { createHttpClient } from "./http-request.ts"
import { createHttpRunnerLink } from "./http-runner-link.ts"
import { createIds, hashContent, systemClock } from "./system-runtime.ts"
import { startToolsServer, type ToolsServer } from "./tools-server.ts"

/** Makes the sandbox, drives the session in it until its end, and cleans up what is no longer needed. */
export async function supervise(options: {
  readonly document: LaunchDocument
  readonly provider: SandboxProvider
  readonly logger: Logger
  /** Ends it well, soon. */
  readonly signal: AbortSignal
}): Promise<RunnerEnd> {
  const { document, provider, logger, signal } = options
  const { logId, generation, limits, agent, socketsDirectory } = document
  const clock = systemClock
  const client = createHttpClient({ socketPath: document.serverSocket, token: document.token })
  const spool = await createFileSpool(document.stateDirectory)
  const sandbox = await provider.create({
    labels: { logId, generation },
    limits,
    programs: agent.programs,
    sockets: { directory: socketsDirectory, forwards: [{ port: gatewayPort, socket: gatewaySocketName }] },
  })
  const { files } = sandbox
  let tools: ToolsServer | null = null
  const runner = createRunner({
    link: createHttpRunnerLink({ client, log: logId }),
    spool,
    sandbox,
    launcher: createAcpLauncher({ sandbox, program: agent, logger }),
    program: agent,
    createWorkspace: (blobs) => createWorkspace({ files, blobs, hashContent, clock, memory: agent.memory }),
    hashContent,
    serveTools: async (served) => {
      tools = await startToolsServer({ directory: socketsDirectory, tools: served, logger })
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
    closeTools(tools)
    spool.close()
    client.close()
  }
}

function closeTools(tools: ToolsServer | null): void {
  tools?.close()
}
