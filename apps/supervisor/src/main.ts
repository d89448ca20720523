import { createBubblewrapProvider, createUnsafeProvider } from "@berth/bubblewrap"
import { pino } from "pino"
import { readLaunchDocument } from "./config.ts"
import { writeProcessMark } from "./process-mark.ts"
import { startAhead } from "./start-ahead.ts"
import { supervise } from "./supervise.ts"
import { systemClock } from "./system-runtime.ts"

/** Of the log while it cannot be written; more is dropped. */
const logBytesHeld = 1024 * 1024

/**
 * The runner of one sandbox as a process of its own: the sandbox's parent, which outlives the server. It is
 * started detached, reads its launch document from stdin and writes its log to stderr. SIGTERM ends it well;
 * a closed terminal does not reach it. It may be started before it is needed, with the folder of sandboxes as its one
 * argument, and then waits for the document.
 */
// One error made early, which a released stream lock does, would have the whole map read: a third of the
// time until the agent starts, and megabytes in every supervisor. The bundle keeps its names.
process.setSourceMapsEnabled(false)
process.on("SIGHUP", () => {})
const stop = new AbortController()
process.on("SIGTERM", () => stop.abort(new Error("SIGTERM")))
process.on("SIGINT", () => stop.abort(new Error("SIGINT")))

const destination = pino.destination({ dest: 2, maxLength: logBytesHeld })
// A disk without room for logs is no reason to end a session.
destination.on("error", () => {})
const serializers = { error: pino.stdSerializers.err }
const logger = pino({ level: "warn", base: { pid: process.pid }, serializers }, destination)
const ahead = startAhead({ sandboxDirectory: process.argv[2], clock: systemClock, logger })
const document = await readLaunchDocument(process.stdin)
// Started ahead, and never needed: whoever started it is gone.
if (document === null) process.exit()
const { logId, generation, logLevel, sandboxDirectory, isUnsafe } = document
logger.level = logLevel
logger.setBindings({ logId, generation })
await writeProcessMark(document.stateDirectory)

const createProvider = isUnsafe ? createUnsafeProvider : createBubblewrapProvider
const prepared = ahead.take(isUnsafe ? "" : sandboxDirectory)
const provider = prepared ?? createProvider({ directory: sandboxDirectory, clock: systemClock, logger })
try {
  const end = await supervise({ document, provider, logger, signal: stop.signal })
  logger.info({ end }, "the runner has ended")
} catch (error) {
  logger.fatal({ error }, "the runner failed")
  process.exitCode = 1
}
// Whatever a library still holds open must not keep a process without a sandbox.
process.exit()
