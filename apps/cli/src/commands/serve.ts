import { fileURLToPath } from "node:url"
import { childEnvironment } from "../config.ts"

export interface ServeOptions {
  readonly host?: string
  readonly port?: string
  readonly dataDir?: string
  readonly config?: string
  readonly unsafeNoSandbox?: boolean
}

/** The server beside this program: its bundle in dist/, its source in a checkout that runs from source. */
const serverPath = import.meta.url.endsWith(".ts") ? "../../../server/src/main.ts" : "./server.js"

/**
 * `berth serve`: becomes the server. The process is replaced, so that signals, exit code and process id
 * are the server's own. Does not return.
 */
export function serve(options: ServeOptions): never {
  const env = childEnvironment({
    BERTH_HOST: options.host,
    BERTH_PORT: options.port,
    BERTH_DATA_DIR: options.dataDir,
    BERTH_CONFIG: options.config,
  })
  const words = options.unsafeNoSandbox === true ? ["--unsafe-no-sandbox"] : []
  const server = fileURLToPath(new URL(serverPath, import.meta.url))
  process.execve?.(process.execPath, [process.execPath, server, ...words], env)
  throw new Error("this platform cannot replace a process: run the server with npm start")
}
