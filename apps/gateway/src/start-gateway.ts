import { rm } from "node:fs/promises"
import { join } from "node:path"
import { AppError, isAppError, type Clock, type Logger } from "@berth/core"
import { Agent } from "undici"
import type { ChangeableConfig, GatewayConfig } from "./config.ts"
import { createControlServer } from "./control/control-server.ts"
import { createGatewayClient } from "./control/gateway-client.ts"
import type { GatewayHealth } from "./control/grant-request.ts"
import type { EgressNetwork } from "./egress/open-egress.ts"
import { gatewayLimits, gatewayProtocolVersion, gatewayVersion } from "./gateway-limits.ts"
import type { GatewayContext } from "./grants/gateway-context.ts"
import { createGrantRegistry } from "./grants/grant-registry.ts"
import { openGrantStore } from "./grants/grant-store.ts"
import { prepareSocketRoot } from "./grants/socket-directory.ts"
import { listenUnix } from "./process/listen-unix.ts"
import { lockState } from "./process/state-lock.ts"
import { startDelivery } from "./reports/delivery.ts"
import { recoverCalls } from "./reports/recover-calls.ts"
import { createReporter } from "./reports/reporter.ts"
import { openSpool } from "./reports/spool.ts"

export interface GatewayOptions {
  readonly config: GatewayConfig
  readonly logger: Logger
  readonly clock: Clock
  /** Unique names for calls and reports. */
  readonly newId: () => string
  readonly network: EgressNetwork
}

export interface Gateway {
  health(): GatewayHealth
  /** An error that reached the process itself. */
  onFault(error: unknown): void
  /** Milliseconds since a server or a sandbox was last heard of. */
  idleMs(): number
  /** Cuts every connection and ends; grants and unsent reports stay on disk. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a gateway in this process; resolves when it listens. Throws `conflict` when another one lives
 * on the same state folder or control socket.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const release = await lockState(options.config.stateDirectory)
  try {
    await refuseSecond(options.config.controlSocket)
    return await start(options, release)
  } catch (error) {
    release()
    throw error
  }
}

async function refuseSecond(controlSocket: string): Promise<void> {
  const client = createGatewayClient({ controlSocket })
  try {
    const { pid } = await client.health()
    throw new AppError("conflict", `Another gateway (pid ${pid}) answers at ${controlSocket}.`)
  } catch (error) {
    if (!isAppError(error, "unavailable")) throw error
  } finally {
    await client.close()
  }
}

async function start(options: GatewayOptions, release: () => void): Promise<Gateway> {
  const { config, logger, clock, newId, network } = options
  const { upstreams, prices, stateDirectory, controlSocket, socketRoot } = config
  let changeable: ChangeableConfig = { upstreams, prices }
  let faults = 0
  let heardAt = clock.now()

  await prepareSocketRoot(socketRoot)
  const spool = await openSpool(join(stateDirectory, "reports.ndjson"), logger)
  const store = await openGrantStore(join(stateDirectory, "grants"), logger)
  const delivery = startDelivery({
    spool,
    serverSocket: config.serverSocket,
    clock,
    logger,
    onDelivered: () => {
      heardAt = clock.now()
    },
  })
  const reporter = createReporter({ spool, clock, newId, onReports: () => delivery.wake() })
  const dispatcher = new Agent({
    allowH2: false,
    maxHeaderSize: gatewayLimits.headerBytes,
    connect: { timeout: gatewayLimits.dialTimeoutMs },
  })
  const registry = createGrantRegistry({ context: () => context, store, socketRoot })

  function onFault(error: unknown): void {
    faults++
    logger.error({ error }, "an error that nobody had foreseen")
  }

  const context: GatewayContext = {
    config: () => changeable,
    dispatcher,
    network,
    spool,
    reporter,
    memory: { heldBytes: 0, limitBytes: gatewayLimits.heldBytesTotal },
    clock,
    newId,
    logger,
    keepSpent: (grant) => registry.keepSpent(grant),
    onFault,
  }

  function health(): GatewayHealth {
    return {
      protocol: gatewayProtocolVersion,
      version: gatewayVersion,
      pid: process.pid,
      grants: registry.size,
      connections: registry.connectionCount(),
      pendingReports: spool.pendingCount,
      faults,
    }
  }

  const controlServer = createControlServer({
    health,
    configure: (next) => {
      changeable = next
      logger.info({ upstreams: Object.keys(next.upstreams) }, "configuration replaced")
    },
    putGrant: (key, request) => registry.put(key, request),
    deleteGrant: (key) => registry.remove(key),
    onFault,
  })
  controlServer.on("request", () => {
    heardAt = clock.now()
    // A server that asks is a server that is there.
    delivery.retryNow()
  })

  await registry.reopen()
  await recoverCalls(spool, registry, reporter)
  await listenUnix(controlServer, controlSocket, 0o600)
  logger.info({ grants: registry.size, pendingReports: spool.pendingCount }, "listening")
  delivery.wake()

  async function close(): Promise<void> {
    controlServer.closeAllConnections()
    await new Promise((resolve) => controlServer.close(resolve))
    await rm(controlSocket, { force: true })
    await registry.close()
    await delivery.close()
    await dispatcher.destroy()
    await spool.close()
    release()
  }

  let closing: Promise<void> | null = null
  return {
    health,
    onFault,
    idleMs: () => (registry.connectionCount() > 0 ? 0 : clock.now() - heardAt),
    close: () => (closing ??= close()),
  }
}
