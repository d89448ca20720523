import { statfs } from "node:fs/promises"
import { createApi, type HealthReport } from "@berth/api"
import { createRunnerAccess, type Clock, type Ids, type Logger, type RunnerTokens } from "@berth/core"
import type { IsolationReport } from "@berth/protocol"
import type { Agents } from "./agents.ts"
import type { Runners } from "./compose-runners.ts"
import type { Config } from "./config.ts"
import type { DataDirectory } from "./data-directory.ts"
import { deriveKey } from "./derive-key.ts"
import { createInternalListener } from "./internal-listener.ts"
import type { Listener } from "./listen.ts"
import { createMetrics } from "./metrics.ts"
import type { Stores } from "./open-stores.ts"
import { createPublicListener } from "./public-listener.ts"
import { servePage } from "./serve-page.ts"
import { version } from "./version.ts"

/** Below this, `/health` says that the disk is nearly full. */
const freeBytesLow = 256 * 1024 * 1024

/** The two faces of the server: one for the world, one for runners and the gateway. */
export function composeApi(options: {
  readonly config: Config
  readonly data: DataDirectory
  readonly stores: Stores
  readonly runners: Runners
  readonly agents: Agents
  readonly runnerTokens: RunnerTokens
  readonly isolation: IsolationReport
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}): { readonly publicListener: Listener; readonly internalListener: Listener } {
  const { config, data, stores, runners, agents, runnerTokens, isolation, clock, ids, logger } = options
  const { runnerHost, gateway, loop } = runners
  const ports = { ...stores, orchestrator: loop, clock, ids, logger }
  const metrics = createMetrics({
    countSandboxes: async () => (await runnerHost.list()).filter((runner) => runner.isAlive).length,
  })
  const health = async (): Promise<HealthReport> => {
    const disk = await statfs(data.root)
    const freeBytes = disk.bavail * disk.bsize
    const detail = `${Math.floor(freeBytes / 2 ** 20)} MiB free`
    const checks = { gateway: { ok: gateway.isReady() }, disk: { ok: freeBytes > freeBytesLow, detail } }
    return { isolation, survivesRestart: config.survivesRestart, checks }
  }
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
  const isLoopbackBind = ["127.0.0.1", "::1", "localhost"].includes(config.host)
  const runnerAccess = createRunnerAccess(ports)
  return {
    publicListener: createPublicListener(api, { isLoopbackBind }),
    internalListener: createInternalListener({ ...ports, runnerAccess, runnerTokens }),
  }
}
