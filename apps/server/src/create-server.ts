import { setImmediate as soon } from "node:timers"
import { statfs } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { createApi, type HealthReport } from "@berth/api"
import { createBubblewrapProvider, createUnsafeProvider } from "@berth/bubblewrap"
import {
  createReconcile,
  createReconcileLoop,
  createRunnerAccess,
  createRunnerTokens,
  sessionSecretScope,
  type Logger,
  type SessionRecord,
} from "@berth/core"
import { createFilesystemBlobStore } from "@berth/filesystem"
import { defaultPrices } from "@berth/gateway"
import { createSqliteStores, importSecretsKey, openDatabase } from "@berth/sqlite"
import { createAgents } from "./agents.ts"
import type { Config } from "./config.ts"
import { openDataDirectory, type DataDirectory } from "./data-directory.ts"
import { deriveKey } from "./derive-key.ts"
import { createGatewayHost } from "./gateway-host.ts"
import { createInternalListener } from "./internal-listener.ts"
import { listenOn, portOf } from "./listen.ts"
import { createMetrics } from "./metrics.ts"
import { endRunners } from "./end-runners.ts"
import { createPublicListener } from "./public-listener.ts"
import { createSupervisorHost, type SupervisorHost } from "./runner-host.ts"
import { createIds, systemClock } from "./runtime.ts"
import { servePage } from "./serve-page.ts"
import { version } from "./version.ts"

/** Below this, `/health` says that the disk is nearly full. */
const freeBytesLow = 256 * 1024 * 1024

export interface BerthServer {
  readonly url: string
  /** `isFinal`: ends supervisors and gateway as well, turns interrupted and snapshots taken. */
  close(options: { readonly isFinal: boolean }): Promise<void>
}

/** The embedded composition root: which adapter stands behind which port, on one machine. */
export async function createServer(config: Config, logger: Logger): Promise<BerthServer> {
  const data = openDataDirectory(config.dataDirectory)
  const database = openDatabase({ path: data.database })
  const clock = systemClock
  const ids = createIds()
  const stores = createSqliteStores({
    sql: database.sql,
    clock,
    ids,
    schedule: (work) => void soon(work),
    secretsKey: await importSecretsKey(deriveKey(data.secret, "secrets")),
  })
  const { log: eventLog, leases: leaseStore, sessions: sessionStore, keys: keyStore } = stores
  const blobStore = await createFilesystemBlobStore({ directory: data.blobs, clock })
  const createProvider = config.unsafeNoSandbox ? createUnsafeProvider : createBubblewrapProvider
  const provider = createProvider({ directory: data.sandboxes, logger, clock })
  const isolation = await provider.probe()
  const runnerTokens = createRunnerTokens({ key: deriveKey(data.secret, "runner-tokens") })
  const agents = createAgents({ config, directory: data.agents })
  const gateway = createGatewayHost({
    entry: siblingPath("gateway"),
    config: gatewayConfig(config, data),
    eventLog,
    clock,
    logger,
  })
  const stopping = new AbortController()
  const runnerHost: SupervisorHost = createSupervisorHost({
    directory: data.runners,
    sandboxDirectory: data.sandboxes,
    serverSocket: data.serverSocket,
    supervisorPath: siblingPath("supervisor"),
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
  const forget = async (record: SessionRecord): Promise<void> =>
    keyStore.putSecrets(sessionSecretScope(record.log), {})
  const reconcile = createReconcile({
    eventLog,
    leaseStore,
    sessionStore,
    runnerHost,
    clock,
    logger,
    forget,
  })
  const loop = createReconcileLoop({ reconcile, leaseStore, sessionStore, runnerHost, clock, logger })
  const runnerAccess = createRunnerAccess({
    eventLog,
    leaseStore,
    sessionStore,
    keyStore,
    blobStore,
    orchestrator: loop,
  })
  if (config.bootstrapKey !== undefined) {
    await keyStore.createKey({ name: "bootstrap", project: null, secret: config.bootstrapKey })
  }

  const metrics = createMetrics({
    countSandboxes: async () => (await runnerHost.list()).filter((runner) => runner.isAlive).length,
  })
  const health = async (): Promise<HealthReport> => {
    const disk = await statfs(data.root)
    const freeBytes = disk.bavail * disk.bsize
    return {
      isolation,
      survivesRestart: config.survivesRestart,
      checks: {
        gateway: { ok: gateway.isReady() },
        disk: { ok: freeBytes > freeBytesLow, detail: `${Math.floor(freeBytes / 2 ** 20)} MiB free` },
      },
    }
  }
  const ports = { eventLog, sessionStore, keyStore, blobStore, orchestrator: loop, clock, ids, logger }
  const api = createApi({
    ...ports,
    version,
    agents: agents.catalog,
    allowCustomAgents: config.allowCustomAgents,
    access: {
      mode: config.auth,
      corsOrigins: config.corsOrigins,
      trustForwardedHeaders: config.trustForwardedHeaders,
      cookieSecret: deriveKey(data.secret, "cookies"),
      requestsPerMinute: config.requestsPerMinute,
    },
    health,
    metrics: metrics.render,
    observe: metrics.observe,
    observeReaders: metrics.observeReaders,
  })
  servePage(api)

  const internal = await listenOn(createInternalListener({ ...ports, runnerAccess, runnerTokens }), {
    socket: data.serverSocket,
  })
  const isLoopbackBind = ["127.0.0.1", "::1", "localhost"].includes(config.host)
  const listening = await listenOn(createPublicListener(api, { isLoopbackBind }), {
    host: config.host,
    port: config.port,
  })

  const running = loop.run(stopping.signal)
  const watching = gateway
    .ensure()
    .catch((error: unknown) => logger.error({ error }, "the gateway cannot be started"))
    .then(() => gateway.watch(stopping.signal))

  const host = config.host.includes(":") ? `[${config.host}]` : config.host
  return {
    url: `http://${host}:${portOf(listening.server)}`,
    async close({ isFinal }) {
      stopping.abort()
      await running
      await listening.close()
      if (isFinal) {
        await endRunners({ runnerHost, eventLog, clock, logger })
        await watching
        await gateway.shutDown()
      }
      await internal.close()
      database.close()
    },
  }
}

/** The other programs stand beside this one: as bundles in dist/, as sources in apps/. */
function siblingPath(name: "gateway" | "supervisor"): string {
  const isBundle = import.meta.url.endsWith(".js")
  return fileURLToPath(new URL(isBundle ? `./${name}.js` : `../../${name}/src/main.ts`, import.meta.url))
}

function gatewayConfig(config: Config, data: DataDirectory) {
  const { anthropic, openai, google } = config.upstreams
  const upstreams = {
    ...(anthropic === undefined ? {} : { anthropic }),
    ...(openai === undefined ? {} : { openai }),
    ...(google === undefined ? {} : { google }),
  }
  return {
    protocol: 1 as const,
    controlSocket: data.gatewaySocket,
    socketRoot: data.sockets,
    stateDirectory: data.gateway,
    serverSocket: data.serverSocket,
    logLevel: config.logLevel,
    upstreams,
    prices: [...defaultPrices],
  }
}
