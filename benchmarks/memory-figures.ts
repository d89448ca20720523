// Memory of the real server with 1,000 idle sessions and 1,000 idle readers, one on each.
import { readFileSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import { createApiClient } from "../tests/support/api-client.ts"
import { startServerProcess } from "../tests/support/server-process.ts"
import { openSse } from "./load/sse-reader.ts"

const count = 1000

function residentMib(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  if (kib === undefined) throw new Error(`no memory figure for process ${pid}`)
  return Number(kib) / 1024
}

export async function memoryFigures(): Promise<Record<string, number>> {
  const server = await startServerProcess({ env: { BERTH_LOG_LEVEL: "info" } })
  const api = createApiClient(server.url)
  const port = Number(new URL(server.url).port)
  const before = residentMib(server.pid())
  const ids: string[] = []
  for (let start = 0; start < count; start += 50) {
    const made = await Promise.all(Array.from({ length: 50 }, () => api.createSession({})))
    ids.push(...made.map(({ id }) => id))
  }
  const readers = await Promise.all(
    ids.map((id) => openSse({ port, host: "127.0.0.1" }, `/api/sessions/${id}/sync`, {}, () => {})),
  )
  await delay(5000)
  const after = residentMib(server.pid())
  for (const reader of readers) reader.close()
  await server.stop()
  return { "server alone MiB": before, "with 1,000 idle sessions and readers MiB": after }
}

if (import.meta.main) console.table(await memoryFigures())
