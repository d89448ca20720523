// `npm start` with everything built, until it says that it is ready.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { median } from "./load/statistics.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

async function start(dataDirectory: string): Promise<number> {
  const startedAt = performance.now()
  const child = spawn("npm", ["start", "--silent"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
    env: { ...process.env, BERTH_DATA_DIR: dataDirectory, BERTH_PORT: "0" },
  })
  let text = ""
  const ready = new Promise<number>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`npm start ended: ${text}`)))
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes("Berth is ready at")) resolve(performance.now() - startedAt)
    })
  })
  const ms = await ready
  const exited = once(child, "exit")
  if (child.pid !== undefined) process.kill(-child.pid, "SIGINT")
  await exited
  return ms
}

export async function startFigures(): Promise<Record<string, number>> {
  const dataDirectory = mkdtempSync(join(tmpdir(), "berth-start-"))
  await start(dataDirectory)
  const values: number[] = []
  for (let round = 0; round < 5; round += 1) values.push(await start(dataDirectory))
  rmSync(dataDirectory, { recursive: true })
  return { "npm start until ready ms": median(values) }
}

if (import.meta.main) console.table(await startFigures())
