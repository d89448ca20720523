import { createBubblewrapProvider, createUnsafeProvider } from "@berth/bubblewrap"
import { createRunnerTokens, type Logger } from "@berth/core"
import { createAgents } from "./agents.ts"
import { composeApi } from "./compose-api.ts"
import { composeRunners } from "./compose-runners.ts"
import type { Config } from "./config.ts"
import { openDataDirectory } from "./data-directory.ts"
import { deriveKey } from "./derive-key.ts"
import { endRunners } from "./end-runners.ts"
import { listenOn, portOf } from "./listen.ts"
import { openStores } from "./open-stores.ts"
import { createIds, systemClock as clock } from "./runtime.ts"

export interface BerthServer {
  readonly url: string
  /** `isFinal`: ends supervisors and gateway as well, turns interrupted and snapshots taken. */
  close(options: { readonly isFinal: boolean }): Promise<void>
}

/** The embedded composition root: which adapter stands behind which port, on one machine. */
export async function createServer(config: Config, logger: Logger): Promise<BerthServer> {
  const data = openDataDirectory(config.dataDirectory)
  const ids = createIds()
  const stores = await openStores(data, clock, ids)
  const createProvider = config.unsafeNoSandbox ? createUnsafeProvider : createBubblewrapProvider
  const provider = createProvider({ directory: data.sandboxes, logger, clock })
  const isolation = await provider.probe()
  const runnerTokens = createRunnerTokens({ key: deriveKey(data.secret, "runner-tokens") })
  const agents = createAgents({ config, directory: data.agents })
  const shared = { config, data, stores, agents, runnerTokens, clock, logger }
  const runners = composeRunners({ ...shared, provider })
  const { runnerHost, gateway, loop, sweeper, spawner } = runners
  if (config.bootstrapKey !== undefined) {
    await stores.keyStore.createKey({ name: "bootstrap", project: null, secret: config.bootstrapKey })
  }

  const { publicListener, internalListener } = composeApi({ ...shared, runners, isolation, ids })
  const internal = await listenOn(internalListener, { socket: data.serverSocket })
  const listening = await listenOn(publicListener, { host: config.host, port: config.port })

  const stopping = new AbortController()
  const { signal } = stopping
  const running = loop.run(signal)
  for (const project of await stores.blobStore.projects()) sweeper.mark(project)
  const sweeping = sweeper.run(signal)
  const watching = gateway
    .ensure()
    .catch((error: unknown) => logger.error({ error }, "the gateway cannot be started"))
    .then(() => gateway.watch(signal))
  spawner.prepare()

  const host = config.host.includes(":") ? `[${config.host}]` : config.host
  return {
    url: `http://${host}:${portOf(listening.server)}`,
    async close({ isFinal }) {
      stopping.abort()
      spawner.close()
      await Promise.all([running, sweeping])
      await listening.close()
      if (isFinal) {
        await endRunners({ runnerHost, eventLog: stores.eventLog, clock, logger })
        await watching
        await gateway.shutDown()
      }
      await internal.close()
      stores.close()
    },
  }
}
