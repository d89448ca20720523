import {
  AppError,
  isAppError,
  type AgentProgram,
  type Clock,
  type Logger,
  type RunnerStart,
} from "@berth/core"
import type { LogId } from "@berth/protocol"
import {
  createGatewayClient,
  spawnGateway,
  upstreamNames,
  type GatewayConfigInput,
  type UpstreamName,
} from "@berth/gateway"
import type { EventLog } from "@berth/core"

/** How often a gateway that ended is noticed. */
const watchIntervalMs = 2_000

export interface GatewayHost {
  /** Finds the gateway that an earlier server left, or starts one, and tells it today's keys. */
  ensure(): Promise<void>
  isReady(): boolean
  open(start: RunnerStart, agent: AgentProgram): Promise<{ readonly directory: string }>
  close(log: LogId, generation: number): Promise<void>
  /** Starts it again whenever it ended, until aborted. */
  watch(signal: AbortSignal): Promise<void>
  /** Ends the gateway process. */
  shutDown(): Promise<void>
}

/** The gateway, seen from the server: one process per data directory, which outlives us. */
export function createGatewayHost(options: {
  readonly entry: string
  readonly config: GatewayConfigInput
  readonly eventLog: EventLog
  readonly clock: Clock
  readonly logger: Logger
}): GatewayHost {
  const { config, clock, logger, eventLog } = options
  const client = createGatewayClient({ controlSocket: config.controlSocket })
  let isReady = false
  let starting: Promise<void> | null = null

  const start = async (): Promise<void> => {
    try {
      await client.health()
    } catch (error) {
      if (!isAppError(error, "unavailable")) throw error
      const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" }
      const { pid } = await spawnGateway({ execPath: process.execPath, entry: options.entry, config, env })
      logger.info({ pid }, "the gateway has started")
    }
    const { upstreams, prices } = config
    await client.configure({ upstreams, prices })
    isReady = true
  }

  const ensure = (): Promise<void> => {
    starting ??= start().finally(() => (starting = null))
    return starting
  }

  return {
    ensure,
    isReady: () => isReady,
    async open({ record, generation }, agent) {
      // Found ended only by the call itself: the next attempt starts it again.
      if (!isReady) await ensure()
      const { head } = await eventLog.state(record.log)
      const { usd, ...tokens } = head.usage
      const spent = { usd, tokens: Object.values(tokens).reduce((sum, count) => sum + count, 0) }
      const { budget, network } = record.spec
      return client.putGrant(
        { logId: record.log, generation },
        {
          project: record.project,
          sessionId: record.id,
          network,
          upstreams: agent.upstreams.filter(isUpstream),
          budget: budget === null ? null : pickBudget(budget),
          spent,
        },
      )
    },
    async close(log, generation) {
      try {
        await client.deleteGrant({ logId: log, generation })
      } catch (error) {
        // Without a gateway there is no grant; one that starts later is told again by the next clean-up.
        if (!isAppError(error, "unavailable")) throw error
      }
    },
    async watch(signal) {
      while (!signal.aborted) {
        await clock.sleep(watchIntervalMs, { signal })
        if (signal.aborted) return
        try {
          await client.health()
          isReady = true
        } catch (error) {
          isReady = false
          logger.warn({ error }, "the gateway does not answer; starting it")
          await ensure().catch((failure: unknown) => logger.error({ error: failure }, "no gateway"))
        }
      }
    },
    async shutDown() {
      const health = await client.health().catch(nullWhenUnavailable)
      if (health !== null) process.kill(health.pid, "SIGTERM")
      await client.close()
    },
  }
}

function isUpstream(name: string): name is UpstreamName {
  return (upstreamNames as readonly string[]).includes(name)
}

function pickBudget(budget: { readonly tokens?: number | undefined; readonly usd?: number | undefined }) {
  const { tokens, usd } = budget
  return { ...(tokens === undefined ? {} : { tokens }), ...(usd === undefined ? {} : { usd }) }
}

function nullWhenUnavailable(error: unknown): null {
  if (error instanceof AppError && error.code === "unavailable") return null
  throw error
}
