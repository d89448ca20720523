import { rmSync } from "node:fs"
import { join } from "node:path"
import { EventSource } from "eventsource"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chunkText, createApiClient, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { isAlive, noTraces, watchTraces } from "../support/host-traces.ts"
import { startServerProcess, supervisorPids, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, seqsOf } from "../support/turns.ts"

describe("a session deleted and created again under its old runner and readers", () => {
  let server: ServerProcess
  let api: ApiClient
  let traces: ReturnType<typeof watchTraces>
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
    traces = watchTraces(server.dataDirectory)
  })
  afterAll(async () => {
    traces.close()
    await server.stop()
  })

  it("ends a stopped runner", async () => {
    const old = await streaming("stopped")
    process.kill(old.supervisor, "SIGSTOP")
    await expectFreshLog("stopped", old.supervisor)
  })

  it("fences a runner that nobody knows of any more: it writes nothing, cleans up, and ends", async () => {
    const old = await streaming("forgotten")
    process.kill(old.supervisor, "SIGSTOP")
    for (const name of ["runner.json", "supervisor.json"])
      rmSync(join(server.dataDirectory, "runners", old.log, "1", name))
    await replace("forgotten")
    await expect.poll(() => traces.now().runners.some((path) => path.startsWith(old.log))).toBe(false)
    expect(isAlive(old.supervisor)).toBe(true)
    process.kill(old.supervisor, "SIGCONT")
    await expectFresh("forgotten", old.supervisor)
  })

  it("ends readers of the old log, and refuses their cursors", async () => {
    const { id, log } = await streaming("read")
    const reader = openReader(id)
    await reader.opened
    const lastId = await reader.firstId
    expect(lastId).toMatch(new RegExp(`^\\d+@${log}$`))
    await replace(id)
    expect(await reader.ended).toEqual({ reason: "deleted" })
    // By itself it comes back with its last id, and is told that this log is gone: it gives up.
    expect(await reader.refused).toBe(410)
    reader.close()
    const stale = await api.call("GET", `/api/sessions/${id}/sync`, undefined, { "last-event-id": lastId })
    expect(stale).toMatchObject({ status: 410, body: { code: "session_replaced" } })
    const page = await api.call("GET", `/api/sessions/${id}/log?after=${lastId}`)
    expect(page).toMatchObject({ status: 410, body: { code: "session_replaced" } })
    await api.call("DELETE", `/api/sessions/${id}`)
    await expect.poll(() => traces.now(), { timeout: 10_000 }).toEqual(noTraces)
  })

  async function streaming(id: string): Promise<{ id: string; log: string; supervisor: number }> {
    const { log_id: log } = await api.createSession({ id, agent: drillAgent })
    await api.prompt(id, "stream 1000000 5")
    await api.waitFor(id, (entry) => chunkText(entry) === "n20")
    const [supervisor] = supervisorPids(server.dataDirectory, log)
    if (supervisor === undefined) throw new Error("no supervisor")
    return { id, log, supervisor }
  }

  async function replace(id: string): Promise<void> {
    expect((await api.call("DELETE", `/api/sessions/${id}`)).status).toBe(200)
    await api.createSession({ id, agent: drillAgent })
  }

  async function expectFreshLog(id: string, supervisor: number): Promise<void> {
    await replace(id)
    await expectFresh(id, supervisor)
  }

  /** The old supervisor is gone, and the new log holds what was said to the new session alone. */
  async function expectFresh(id: string, supervisor: number): Promise<void> {
    const seq = await api.prompt(id, "fresh")
    expect(await outcomeOf(api, id, seq)).toBe("completed")
    await expect.poll(() => isAlive(supervisor), { timeout: 10_000 }).toBe(false)
    const entries = await api.log(id)
    expect(seqsOf(entries)).toEqual(dense(entries))
    expect(entries[0]?.type).toBe("client_message")
    expect(promptFates(entries)).toEqual([{ seq, started: 1, outcomes: ["completed"] }])
    const said = entries.map(chunkText).filter((text) => text !== null)
    expect(said).toEqual([expect.stringMatching(/ said fresh$/)])
    await api.call("DELETE", `/api/sessions/${id}`)
    await expect.poll(() => traces.now(), { timeout: 10_000 }).toEqual(noTraces)
  }

  /** The unmodified package; what it did over HTTP is seen through the fetch it is given. */
  function openReader(id: string) {
    const statuses: number[] = []
    const refused = Promise.withResolvers<number>()
    const source = new EventSource(`${server.url}/api/sessions/${id}/sync`, {
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        statuses.push(response.status)
        if (response.status !== 200) refused.resolve(response.status)
        return response
      },
    })
    const once = <Value>(type: string, read: (event: MessageEvent) => Value): Promise<Value> =>
      new Promise((resolve) => {
        source.addEventListener(type, (event) => resolve(read(event)), { once: true })
      })
    return {
      opened: once("open", () => null),
      firstId: once("message", (event) => event.lastEventId),
      ended: once("end", (event) => JSON.parse(event.data as string) as unknown),
      refused: refused.promise,
      close: () => source.close(),
    }
  }
})
