import { join } from "node:path"
import pino, { type Logger } from "pino"

/** While the file cannot be written; more is dropped. */
const bytesHeld = 1024 * 1024

/** JSON lines in the state folder. Nothing that a sandbox alone can cause is above `debug`. */
export function createFileLogger(stateDirectory: string, level: string): Logger {
  const destination = pino.destination({
    dest: join(stateDirectory, "gateway.log"),
    mkdir: true,
    mode: 0o600,
    sync: true,
    maxLength: bytesHeld,
  })
  // A disk without room for logs is no reason to cut the models off.
  destination.on("error", () => {})
  return pino({ level, name: "gateway", serializers: { error: pino.stdSerializers.err } }, destination)
}
