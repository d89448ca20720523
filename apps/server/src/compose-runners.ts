import {
  createBlobSweeper,
  createReconcile,
  createReconcileLoop,
  sessionSecretScope,
  type BlobSweeper,
  type Clock,
  type Logger,
  type Orchestrator,
  type RunnerTokens,
  type SandboxProvider,
  type SessionRecord,
} from "@berth/core"
import { defaultPrices } from "@berth/gateway"
import type { Agents } from "./agents.ts"
import type { Config } from "./config.ts"
import type { DataDirectory } from "./data-directory.ts"
import { createGatewayHost, type GatewayHost } from "./gateway-host.ts"
import type { Stores } from "./open-stores.ts"
import { createSupervisorHost, type SupervisorHost } from "./runner-host.ts"
import { siblingPath } from "./sibling-path.ts"
import { createSupervisorSpawner, type SupervisorSpawner } from "./supervisor-spawner.ts"

export interface Runners {
  readonly runnerHost: SupervisorHost
  readonly gateway: GatewayHost
  readonly loop: Orchestrator & { readonly run: (signal: AbortSignal) => Promise<void> }
  readonly sweeper: BlobSweeper
  readonly spawner: SupervisorSpawner
}

/** Everything that makes sessions run: supervisors, the gateway, reconcile and its loop, clean-up. */
export function composeRunners(options: {
  readonly config: Config
  readonly data: DataDirectory
  readonly stores: Stores
  readonly provider: SandboxProvider
  readonly agents: Agents
  readonly runnerTokens: RunnerTokens
  readonly clock: Clock
  readonly logger: Logger
}): Runners {
  const { config, data, stores, provider, agents, runnerTokens, clock, logger } = options
  const { eventLog, sessionStore, keyStore, blobStore } = stores
  const gateway = createGatewayHost({
    entry: siblingPath("gateway"),
    config: gatewayConfig(config, data),
    eventLog,
    clock,
    logger,
  })
  const sweeper = createBlobSweeper({ ...stores, clock, logger })
  const spawner = createSupervisorSpawner({
    entry: siblingPath("supervisor"),
    directory: data.runners,
    sandboxDirectory: data.sandboxes,
    logger,
  })
  const runnerHost = createSupervisorHost({
    directory: data.runners,
    sandboxDirectory: data.sandboxes,
    serverSocket: data.serverSocket,
    spawner,
    isUnsafe: config.unsafeNoSandbox,
    orphanTimeoutMs: config.orphanTimeoutSeconds * 1000,
    logLevel: config.logLevel,
    provider,
    clock,
    runnerTokens,
    resolveAgent: async ({ record }) => agents.resolve(record.spec.agent),
    openGateway: gateway.open,
    closeGateway: gateway.close,
    async importBlob(log, hash, content) {
      const found = await sessionStore.findByLog(log)
      if (found !== null) await blobStore.put(found.record.project, content, { expected: hash })
    },
    onExit: (log) => loop.wake(log),
  })
  const forget = async ({ log, project }: SessionRecord): Promise<void> => {
    await keyStore.putSecrets(sessionSecretScope(log), {})
    sweeper.mark(project)
  }
  const shared = { ...stores, runnerHost, clock, logger }
  const loop = createReconcileLoop({ ...shared, reconcile: createReconcile({ ...shared, forget }) })
  return { runnerHost, gateway, loop, sweeper, spawner }
}

function gatewayConfig(config: Config, data: DataDirectory) {
  const { anthropic, openai, google } = config.upstreams
  return {
    protocol: 1 as const,
    controlSocket: data.gatewaySocket,
    socketRoot: data.sockets,
    stateDirectory: data.gateway,
    serverSocket: data.serverSocket,
    logLevel: config.logLevel,
    upstreams: {
      ...(anthropic === undefined ? {} : { anthropic }),
      ...(openai === undefined ? {} : { openai }),
      ...(google === undefined ? {} : { google }),
    },
    prices: [...defaultPrices],
  }
}
