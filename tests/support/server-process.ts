import { spawn, type ChildProcess } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const serverPath = fileURLToPath(new URL("../../dist/server.js", import.meta.url))
const readyTimeoutMs = 15_000

export interface ServerProcess {
  readonly url: string
  readonly dataDirectory: string
  readonly pid: () => number
  /** What the server wrote so far. */
  readonly output: () => string
  /** SIGKILL, and wait until it is gone. Its port stays ours. */
  kill(): Promise<void>
  /** Starts it again on the same data and port. */
  start(): Promise<void>
  /** Ctrl-C: everything ends, supervisors and gateway too; then the data is removed. */
  stop(): Promise<void>
}

/** The built server as a process of its own, on a data directory of its own. */
export async function startServerProcess(
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly args?: readonly string[]
    /** Removed at the end, like one of its own. */
    readonly dataDirectory?: string
  } = {},
): Promise<ServerProcess> {
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), "berth-"))
  let port = 0
  let child: ChildProcess | null = null
  let output = ""

  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [serverPath, ...(options.args ?? [])], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: dataDirectory,
        BERTH_DATA_DIR: dataDirectory,
        BERTH_PORT: String(port),
        BERTH_LOG_LEVEL: "debug",
        BERTH_REQUESTS_PER_MINUTE: "1000000",
        ...options.env,
      },
    })
    const found = await readyUrl(child, (text) => (output = (output + text).slice(-2_000_000)))
    port = Number(new URL(found).port)
  }

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = new Promise((resolve) => ending.once("exit", resolve))
    ending.kill(signal)
    await exited
  }

  await start()
  return {
    url: `http://127.0.0.1:${port}`,
    dataDirectory,
    pid: () => child?.pid ?? 0,
    output: () => output,
    kill: () => end("SIGKILL"),
    start,
    async stop() {
      if (child?.exitCode !== null || child.signalCode !== null) await start()
      await end("SIGINT")
      rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
}

function readyUrl(child: ChildProcess, onText: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ""
    const timer = setTimeout(() => reject(new Error(`the server is not ready:\n${text}`)), readyTimeoutMs)
    const take = (chunk: Buffer): void => {
      const more = chunk.toString()
      text += more
      onText(more)
      const url = /Berth is ready at (\S+)/.exec(text)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    }
    child.stdout?.on("data", take)
    child.stderr?.on("data", take)
    child.once("exit", (code) => {
      clearTimeout(timer)
      reject(new Error(`the server ended with ${code}:\n${text}`))
    })
  })
}

/** Pids of the supervisors that a data directory knows of; of one log, or of all. */
export function supervisorPids(dataDirectory: string, log = ""): readonly number[] {
  const root = join(dataDirectory, "runners", log)
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith("runner.json"))
    .map((path) => (JSON.parse(readFileSync(join(root, path), "utf8")) as { pid: number }).pid)
}
