import { spawnSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
  openSync,
  closeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EventSource } from "eventsource"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chunkText, createApiClient, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, seqsOf } from "../support/turns.ts"

const sizeMib = 96

describe("a data directory on a full disk", () => {
  let folder = ""
  let isMounted = false
  let server: ServerProcess | null = null
  let api: ApiClient
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "berth-full-"))
    isMounted = mount(folder)
    if (!isMounted) return
    const dataDirectory = join(folder, "data")
    mkdirSync(dataDirectory)
    server = await startServerProcess({ dataDirectory })
    api = createApiClient(server.url)
  })
  afterAll(async () => {
    rmSync(join(folder, "filler"), { force: true })
    await server?.stop()
    if (isMounted) spawnSync("umount", ["--lazy", folder])
    rmSync(folder, { recursive: true })
  })

  it("refuses what it cannot keep, goes on reading, and goes on with the turn when there is room", async (context) => {
    if (server === null) return context.skip("missing: tmpfs mount")
    const { id } = await api.createSession({ agent: drillAgent })
    const quiet = await api.createSession({ agent: drillAgent })
    const seq = await api.prompt(id, "stream 1000000 5")
    const seen: string[] = []
    const reader = new EventSource(`${server.url}/api/sessions/${id}/sync`)
    reader.addEventListener("message", (event) => seen.push(event.data as string))
    await api.waitFor(id, (entry) => chunkText(entry) === "n100")

    const filler = fill(folder)
    const accepted = new Set<number>()
    const key = "the-same-prompt"
    let refused = await promptQuiet(key)
    await expect
      .poll(
        async () => {
          filler.more()
          if (refused.status === 202) {
            accepted.add(Number(refused.body["seq"]))
            refused = await promptQuiet()
          }
          return refused.status
        },
        { timeout: 20_000 },
      )
      .toBe(507)
    expect(refused.body).toMatchObject({ code: "storage_full", message: expect.any(String) })
    const created = await api.call("POST", "/api/sessions", { agent: drillAgent })
    expect(created).toMatchObject({ status: 507, body: { code: "storage_full" } })
    // Reads go on: pages, records, lists, health.
    expect((await api.log(id)).length).toBeGreaterThan(100)
    expect((await api.call("GET", `/api/sessions/${id}`)).status).toBe(200)
    expect((await api.call("GET", "/api/sessions")).status).toBe(200)
    const health = await api.call("GET", "/health")
    expect(health.body).toMatchObject({ checks: { disk: { ok: false } } })
    // The turn stands still: what it says cannot be kept, and is not dropped.
    await stands(id)

    filler.remove()
    const stoodAt = (await api.log(id)).length
    await api.waitFor(id, (entry) => entry.seq > stoodAt + 500, { after: stoodAt, timeoutMs: 30_000 })
    const again = await promptQuiet(key)
    expect(again.status).toBe(202)
    await api.submit(id, "session/cancel", {})
    expect(await outcomeOf(api, id, seq)).toBe("cancelled")

    const log = await api.log(id)
    expect(seqsOf(log)).toEqual(dense(log))
    const numbers = log.map(chunkText).filter((text) => text?.startsWith("n") === true)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => `n${index + 1}`))
    expect(promptFates(log)).toEqual([{ seq, started: 1, outcomes: ["cancelled"] }])
    await expect.poll(() => seen.length).toBe(log.length)
    expect(seen).toEqual(log.map((entry) => JSON.stringify(entry)))
    reader.close()
    const kept = new Set((await api.log(quiet.id)).map((entry) => entry.seq))
    for (const each of accepted) expect(kept).toContain(each)
    expect(await outcomeOf(api, quiet.id, Number(again.body["seq"]))).toBe("completed")

    function promptQuiet(idempotencyKey?: string) {
      const prompt = [{ type: "text", text: `said ${"x".repeat(4_000)}` }]
      return api.submit(quiet.id, "session/prompt", { prompt }, idempotencyKey)
    }
  })

  /** Nothing more comes for a while. */
  async function stands(id: string): Promise<void> {
    let before = -1
    await expect
      .poll(
        async () => {
          const now = (await api.log(id)).length
          const isStill = now === before
          before = now
          return isStill
        },
        { timeout: 20_000, interval: 300 },
      )
      .toBe(true)
  }
})

function mount(folder: string): boolean {
  const words = ["-t", "tmpfs", "-o", `size=${sizeMib}m,mode=0755`, "tmpfs", folder]
  return spawnSync("mount", words, { stdio: "ignore" }).status === 0
}

/** A file that takes all the room there is; `more` takes what has become free since. */
function fill(folder: string): { more(): void; remove(): void } {
  const path = join(folder, "filler")
  writeFileSync(path, "")
  const more = (): void => {
    const file = openSync(path, "a")
    try {
      for (const bytes of [1 << 20, 1 << 12, 1])
        while (statfsSync(folder).bavail > 0) if (!tryWrite(file, bytes)) break
    } finally {
      closeSync(file)
    }
  }
  more()
  return {
    more,
    remove() {
      truncateSync(path)
      rmSync(path)
    },
  }
}

function tryWrite(file: number, bytes: number): boolean {
  try {
    writeSync(file, Buffer.alloc(bytes))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false
    throw error
  }
}
