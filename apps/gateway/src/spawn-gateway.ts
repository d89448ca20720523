import { spawn, type ChildProcess } from "node:child_process"
import { mkdir, open, readFile } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "@berth/core"
import type { GatewayConfigInput } from "./config.ts"

export interface SpawnGatewayOptions {
  /** The Node.js program. */
  readonly execPath: string
  /** `gateway.js`, or `src/main.ts` in development. */
  readonly entry: string
  readonly config: GatewayConfigInput
  /** The whole environment; it needs none of its own. */
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/**
 * Starts a gateway that outlives this process: own session, own stdio. Resolves when it listens.
 * Throws `unavailable` with what it said when it does not, also when another one is alive.
 */
export async function spawnGateway(options: SpawnGatewayOptions): Promise<{ readonly pid: number }> {
  const { stateDirectory } = options.config
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
  const errorPath = join(stateDirectory, "gateway.stderr")
  const stderr = await open(errorPath, "w", 0o600)
  try {
    const child = spawn(options.execPath, [options.entry], {
      detached: true,
      stdio: ["pipe", "pipe", stderr.fd],
      env: options.env,
      cwd: "/",
    })
    await waitUntilReady(child, options, errorPath)
    child.stdout?.destroy()
    child.unref()
    return { pid: child.pid ?? 0 }
  } finally {
    await stderr.close()
  }
}

async function waitUntilReady(
  child: ChildProcess,
  options: SpawnGatewayOptions,
  errorPath: string,
): Promise<void> {
  const timeoutMs = options.timeoutMs ?? 15_000
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs)
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject)
      child.once("exit", () => reject(new Error("it ended")))
      // It may end before it has read all; the exit says so.
      child.stdin?.on("error", () => undefined)
      child.stdout?.once("data", () => resolve())
      child.stdin?.end(JSON.stringify(options.config))
    })
  } catch (cause) {
    const said = (await readFile(errorPath, "utf8")).trim().slice(-2_000)
    throw new AppError("unavailable", `The gateway did not start: ${said || "it said nothing"}`, { cause })
  } finally {
    clearTimeout(timer)
    child.removeAllListeners("exit")
  }
}
