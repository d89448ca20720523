import { randomUUID } from "node:crypto"
import { text } from "node:stream/consumers"
import { parseConfig } from "./config.ts"
import { createHostNetwork } from "./egress/host-network.ts"
import { gatewayLimits } from "./gateway-limits.ts"
import { createFileLogger } from "./process/create-file-logger.ts"
import { systemClock } from "./process/system-clock.ts"
import { startGateway } from "./start-gateway.ts"

/** The gateway process: configuration on stdin, `ready` on stdout, then silence and a log file. */
async function main(): Promise<void> {
  process.umask(0o077)
  process.chdir("/")
  const config = parseConfig(await text(process.stdin))
  const logger = createFileLogger(config.stateDirectory, config.logLevel)
  const gateway = await startGateway({
    config,
    logger,
    clock: systemClock,
    newId: randomUUID,
    network: createHostNetwork(),
  })

  // The models of every session stream through here: no error of one may end the others.
  process.on("uncaughtException", gateway.onFault)
  process.on("unhandledRejection", gateway.onFault)
  process.on("SIGHUP", () => logger.info({}, "its terminal is gone; it stays"))

  let isClosing = false
  function end(reason: string): void {
    if (isClosing) return
    isClosing = true
    logger.info({ reason }, "ends")
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ error }, "did not end cleanly")
        process.exit(1)
      },
    )
  }
  process.on("SIGTERM", () => end("SIGTERM"))
  process.on("SIGINT", () => end("SIGINT"))
  setInterval(() => {
    if (gateway.idleMs() > gatewayLimits.orphanExitMs) end("no server and no sandbox is left")
  }, gatewayLimits.orphanExitMs / 60).unref()

  // Whoever started us may be gone when a warning is written.
  process.stdout.on("error", gateway.onFault)
  process.stderr.on("error", gateway.onFault)
  process.stdout.write("ready\n")
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
