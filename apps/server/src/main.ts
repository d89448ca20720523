import { AppError } from "@berth/core"
import { pino } from "pino"
import { readConfig } from "./config.ts"
import { createServer } from "./create-server.ts"

/** Of the log while it cannot be written; more is dropped. */
const logBytesHeld = 1024 * 1024

// What we make is ours alone until it says otherwise: sockets are reachable from their first moment.
process.umask(0o077)
const config = readConfig(process.argv.slice(2))
const destination = pino.destination({ dest: 1, maxLength: logBytesHeld })
// Where the log goes there may be no room, or nobody; sessions go on.
destination.on("error", () => {})
const logger = pino(
  {
    name: "berth",
    level: config.logLevel,
    // Errors keep their stack; nothing else of a request is ever logged.
    serializers: { error: pino.stdSerializers.err },
  },
  destination,
)

try {
  const server = await createServer(config, logger)
  let isClosing = false
  const close = (isFinal: boolean): void => {
    if (isClosing) return
    isClosing = true
    server.close({ isFinal }).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ error }, "the server did not end cleanly")
        process.exit(1)
      },
    )
  }
  // Ctrl-C ends everything; a service manager's SIGTERM leaves running sessions to the next server.
  process.on("SIGINT", () => close(true))
  process.on("SIGTERM", () => close(false))
  process.stdout.write(`Berth is ready at ${server.url}\n`)
} catch (error) {
  if (!(error instanceof AppError)) throw error
  process.stderr.write(`berth: ${error.message}\n`)
  process.exitCode = 1
}
