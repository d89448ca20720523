import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { residentMib } from "../support/resident-memory.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { outcomeOf } from "../support/turns.ts"

const promptMs = 3_000
const limits = { memory_mib: 256, pids: 96, disk_mib: 64, cpu: 0.5 }

describe("a sandbox that takes all it can get", () => {
  let server: ServerProcess
  let api: ApiClient
  let neighbour: string
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
    const { id } = await api.createSession({ agent: "shell", permissions: "auto" })
    neighbour = id
    await outcomeOf(api, id, await api.prompt(id, "echo ready"))
  })
  afterAll(() => server.stop())

  it("is stopped at its processes: a fork bomb can be cancelled", async () => {
    const { id, seq } = await begin("bomb() { bomb | bomb & }; bomb; sleep 100")
    await api.waitFor(id, (entry) => JSON.stringify(entry).includes("Resource temporarily unavailable"), {
      after: seq,
    })
    await expectNeighbourQuick()
    await api.submit(id, "session/cancel", {})
    expect(await outcomeOf(api, id, seq)).toBe("cancelled")
    await expectTakesNext(id)
  })

  it("takes the next prompt although a fork bomb was left in the background", async () => {
    const { id, seq } = await begin("bomb() { bomb | bomb & }; bomb >/dev/null 2>&1; sleep 0.3")
    await outcomeOf(api, id, seq)
    await expectNeighbourQuick()
    await expectTakesNext(id)
  })

  it("is stopped at its memory, and says so", async () => {
    const hog = "node -e 'const held = []; for (;;) held.push(Buffer.alloc(16 << 20, 1))'"
    const { id, seq } = await begin(`${hog}; echo "ended with $?"`)
    await expectNeighbourQuick()
    const outcome = await outcomeOf(api, id, seq, 30_000)
    const said = JSON.stringify((await api.log(id)).filter((entry) => entry.seq > seq))
    // Either the hog alone was ended, or the agent with it: both are told.
    expect([outcome, said]).toEqual([
      expect.stringMatching(/completed|failed/),
      expect.stringMatching(/SIGKILL|ended with 137|memory/),
    ])
    await expectTakesNext(id)
  })

  it("is stopped at its disk, and says so", async () => {
    const { id, seq } = await begin(
      "for i in $(seq 1 64); do head -c 16M /dev/zero > file-$i || break; done; echo over; sleep 20",
    )
    await expectNeighbourQuick()
    const error = await api.waitFor(
      id,
      (entry) => isNotification(entry, "_berth/error", { code: "disk_full" }),
      { after: seq },
    )
    expect(error.origin).toBe("sandbox")
    expect(await outcomeOf(api, id, seq)).toBe("failed")
    await expectTakesNext(id)
  })

  it("may print without end: others are not delayed, and it can be cancelled", async () => {
    const { id, seq } = await begin("yes 'a line that never ends' ")
    const before = residentMib(server.pid())
    await expectNeighbourQuick()
    await expectNeighbourQuick()
    const cancelledAt = performance.now()
    await api.submit(id, "session/cancel", {})
    expect(await outcomeOf(api, id, seq)).toBe("cancelled")
    expect(performance.now() - cancelledAt).toBeLessThan(10_000)
    expect(residentMib(server.pid()) - before).toBeLessThan(400)
    await expectTakesNext(id)
  })

  async function begin(script: string): Promise<{ id: string; seq: number }> {
    const { id } = await api.createSession({ agent: "shell", permissions: "auto", limits })
    const seq = await api.prompt(id, script)
    await api.waitFor(id, (entry) => isNotification(entry, "_berth/turn_started", { commandSeq: seq }))
    return { id, seq }
  }

  async function expectNeighbourQuick(): Promise<void> {
    const startedAt = performance.now()
    const seq = await api.prompt(neighbour, "echo still here")
    expect(await outcomeOf(api, neighbour, seq)).toBe("completed")
    expect(performance.now() - startedAt).toBeLessThan(promptMs)
    expect((await api.call("GET", "/health")).body).toMatchObject({ status: "healthy" })
  }

  async function expectTakesNext(id: string): Promise<void> {
    const seq = await api.prompt(id, "rm -rf /workspace/* ; echo recovered")
    expect(await outcomeOf(api, id, seq, 30_000)).toBe("completed")
    expect((await api.call("DELETE", `/api/sessions/${id}`)).status).toBe(200)
  }
})
