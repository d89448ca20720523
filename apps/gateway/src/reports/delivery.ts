import type { Clock, Logger } from "@berth/core"
import { Client } from "undici"
import { gatewayLimits } from "../gateway-limits.ts"
import { reportsAnswer } from "./report.ts"
import type { Spool } from "./spool.ts"

export interface Delivery {
  /** There is something to deliver. */
  wake(): void
  /** The server was heard of: try now instead of after the pause. */
  retryNow(): void
  close(): Promise<void>
}

export interface DeliveryOptions {
  readonly spool: Spool
  readonly serverSocket: string
  readonly clock: Clock
  readonly logger: Logger
  /** Called whenever the server took something. */
  readonly onDelivered: () => void
}

/** Brings the spool's reports to the server for as long as it takes, one batch at a time. */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { spool, clock, logger } = options
  const closing = new AbortController()
  let hasWork = Promise.withResolvers<void>()
  let pause = new AbortController()

  async function run(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      const batch = spool.next()
      if (batch.length === 0) {
        await hasWork.promise
        hasWork = Promise.withResolvers()
        continue
      }
      try {
        const taken = await postReports(options.serverSocket, batch, closing.signal)
        spool.accept(taken)
        options.onDelivered()
        failures = taken.length > 0 ? 0 : failures + 1
        if (failures > 0) logger.warn({ count: batch.length }, "the server took none of the reports")
      } catch (error) {
        failures++
        logger.debug({ error, failures }, "the server cannot be reached; its reports wait")
      }
      if (failures > 0) await waitBeforeRetry(failures)
    }
  }

  async function waitBeforeRetry(failures: number): Promise<void> {
    pause = new AbortController()
    const longest = gatewayLimits.reportRetryMaxMs
    const waitMs = Math.min(longest, gatewayLimits.reportRetryMinMs * 2 ** Math.min(failures, 16))
    await clock.sleep(waitMs, { signal: AbortSignal.any([pause.signal, closing.signal]) })
  }

  const running = run()
  return {
    wake: () => hasWork.resolve(),
    retryNow: () => {
      hasWork.resolve()
      pause.abort()
    },
    async close() {
      closing.abort()
      hasWork.resolve()
      await running
    },
  }
}

/** The ids that the server took. A connection each: the server at that address may be a new one. */
async function postReports(
  serverSocket: string,
  batch: readonly { readonly line: string }[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const client = new Client("http://berth", { socketPath: serverSocket })
  try {
    const response = await client.request({
      path: "/internal/reports",
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: batch.map(({ line }) => `${line}\n`).join(""),
      headersTimeout: gatewayLimits.reportTimeoutMs,
      bodyTimeout: gatewayLimits.reportTimeoutMs,
      signal,
    })
    const text = await response.body.text()
    if (response.statusCode !== 200) throw new Error(`the server answered ${response.statusCode}`)
    return reportsAnswer.parse(JSON.parse(text)).accepted
  } finally {
    await client.destroy()
  }
}
