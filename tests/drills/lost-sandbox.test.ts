import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chunkText, createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { sandboxedPids } from "../support/host-traces.ts"
import { startServerProcess, supervisorPids, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, seqsOf } from "../support/turns.ts"

describe("a sandbox or its supervisor that dies in a turn", () => {
  let server: ServerProcess
  let api: ApiClient
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
  })
  afterAll(() => server.stop())

  it("says that the turn failed when the sandbox's processes are killed; the next prompt works", async () => {
    const { id, log_id } = await api.createSession({ agent: drillAgent })
    const seq = await api.prompt(id, "wait")
    await api.waitFor(id, (entry) => chunkText(entry) === "waiting")
    const pids = sandboxedPids(server.dataDirectory, log_id)
    expect(pids.length).toBeGreaterThan(1)
    for (const pid of pids) kill(pid)
    expect(await outcomeOf(api, id, seq)).toBe("failed")
    const next = await api.prompt(id, "again")
    expect(await outcomeOf(api, id, next)).toBe("completed")
    const log = await api.log(id)
    const exits = log.filter((entry) => isNotification(entry, "_berth/agent_state", { state: "exited" }))
    expect(exits).toHaveLength(1)
    expect(log.some((entry) => chunkText(entry)?.includes("said again"))).toBe(true)
  })

  it("saves what a supervisor had spooled while the server was away, then says lost", async () => {
    const { id, log_id } = await api.createSession({ agent: drillAgent })
    const seq = await api.prompt(id, "stream 1000000 10")
    await api.waitFor(id, (entry) => chunkText(entry) === "n100")
    await server.kill()
    const spool = join(server.dataDirectory, "runners", log_id, "1", "spool.ndjson")
    // The server took what was on its way when it died; all from here on is in the spool alone.
    const first = lastChunk(readFileSync(spool, "utf8"))
    await expect
      .poll(() => lastChunk(readFileSync(spool, "utf8")), { timeout: 10_000 })
      .toBeGreaterThan(first + 1_000)
    const [supervisor] = supervisorPids(server.dataDirectory, log_id)
    kill(supervisor ?? 0)
    const spooled = lastChunk(readFileSync(spool, "utf8"))
    await server.start()

    expect(await outcomeOf(api, id, seq)).toBe("lost")
    const log = await api.log(id)
    expect(seqsOf(log)).toEqual(dense(log))
    const numbers = log.map(chunkText).filter((text) => text?.startsWith("n") === true)
    expect(numbers).toEqual(Array.from({ length: spooled }, (_, index) => `n${index + 1}`))
    const lost = log.find((entry) => isNotification(entry, "_berth/sandbox", { state: "lost" }))
    const lastText = log.findLast((entry) => chunkText(entry) === `n${spooled}`)
    expect(lost?.seq).toBeGreaterThan(lastText?.seq ?? Number.POSITIVE_INFINITY)
    expect(promptFates(log)).toEqual([{ seq, started: 1, outcomes: ["lost"] }])

    const next = await api.prompt(id, "again")
    expect(await outcomeOf(api, id, next)).toBe("completed")
  })

  it("saves entries that are too large for the log as the runner would have: beside it", async () => {
    const { id, log_id } = await api.createSession({ agent: drillAgent })
    await api.prompt(id, "stream 50 1 400000")
    await api.waitFor(id, (entry) => entry.type === "spilled")
    await server.kill()
    const spool = join(server.dataDirectory, "runners", log_id, "1", "spool.ndjson")
    await expect.poll(() => lastChunk(readFileSync(spool, "utf8")), { timeout: 10_000 }).toBe(50)
    for (const pid of supervisorPids(server.dataDirectory, log_id)) kill(pid)
    await server.start()
    await api.waitFor(id, (entry) => isNotification(entry, "_berth/sandbox", { state: "lost" }))
    const log = await api.log(id)
    expect(seqsOf(log)).toEqual(dense(log))
    expect(log.filter((entry) => entry.type === "spilled").length).toBe(50)
    expect(Math.max(...log.map((entry) => JSON.stringify(entry).length))).toBeLessThan(300_000)
  })

  it("restores the files of the last snapshot, and the shell's memory, after a loss", async () => {
    const { id, log_id } = await api.createSession({ agent: "shell", permissions: "auto" })
    const first = await api.prompt(id, "echo kept > file.txt; cd /tmp; export COLOUR=green")
    expect(await outcomeOf(api, id, first)).toBe("completed")
    const snapshot = await api.waitFor(id, (entry) => isNotification(entry, "_berth/snapshot"))
    const seq = await api.prompt(id, "echo unsaved > other.txt; echo started; sleep 100")
    await api.waitFor(id, (entry) => JSON.stringify(entry).includes("started"), { after: seq })
    for (const pid of supervisorPids(server.dataDirectory, log_id)) kill(pid)
    expect(await outcomeOf(api, id, seq)).toBe("lost")
    const next = await api.prompt(id, "cat /workspace/file.txt; ls /workspace; echo $COLOUR $PWD")
    expect(await outcomeOf(api, id, next)).toBe("completed")
    const after = JSON.stringify((await api.log(id)).filter((entry) => entry.seq > next))
    expect(after).toContain("kept")
    expect(after).toContain("green /tmp")
    expect(after).not.toContain("other.txt")
    expect(snapshot.seq).toBeLessThan(seq)
  })
})

/** Highest number of the drill agent's chunks in a spool, in whole lines. */
function lastChunk(spool: string): number {
  const whole = spool.slice(0, spool.lastIndexOf("\n") + 1)
  return Number([...whole.matchAll(/"text":"n(\d+)[".]/g)].at(-1)?.[1] ?? 0)
}

function kill(pid: number): void {
  if (pid <= 1) throw new Error("no process of ours")
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    // One that ended with its parent.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}
