import { join } from "node:path"
import pino, { type Logger } from "pino"

/** JSON lines in the state folder. Nothing that a sandbox alone can cause is above `debug`. */
export function createFileLogger(stateDirectory: string, level: string): Logger {
  const destination = pino.destination({
    dest: join(stateDirectory, "gateway.log"),
    mkdir: true,
    mode: 0o600,
    sync: true,
  })
  return pino({ level, name: "gateway", serializers: { error: pino.stdSerializers.err } }, destination)
}
