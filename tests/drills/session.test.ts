import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chunkText, createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { outcomeOf } from "../support/turns.ts"
import { startServerProcess, supervisorPids, type ServerProcess } from "../support/server-process.ts"

const text = (words: string) => (entry: Parameters<typeof chunkText>[0]) =>
  chunkText(entry)?.includes(words) === true
const turnEnded = (outcome: string, after: number) => (entry: Parameters<typeof chunkText>[0]) =>
  entry.seq > after && isNotification(entry, "_berth/turn_ended", { outcome })

describe("a session, from prompt to prompt", () => {
  let server: ServerProcess
  let api: ApiClient
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
  })
  afterAll(() => server.stop())

  it("runs a script in the shell agent, asking first", async () => {
    const { id } = await api.createSession({ agent: "shell" })
    const seq = await api.prompt(id, "echo hello from $PWD")
    const asked = await api.waitFor(id, (entry) => isNotification(entry, "_berth/question"))
    if (asked.type !== "notification" || asked.notification.method !== "_berth/question")
      throw new Error("no question")
    const { questionId } = asked.notification.params
    const answers = await Promise.all(
      ["allow_once", "allow_once"].map(() =>
        api.submit(id, "_berth/answer", { questionId, action: "approve" }),
      ),
    )
    expect(answers.map((answer) => answer.status).toSorted((left, right) => left - right)).toEqual([202, 409])
    const loser = answers.find((answer) => answer.status === 409)
    expect(loser?.body).toMatchObject({ code: "already_answered", details: { seq: expect.any(Number) } })
    await api.waitFor(id, turnEnded("completed", seq))
    const log = JSON.stringify(await api.log(id))
    expect(log).toContain("hello from /workspace")
  })

  it("queues prompts and answers them in order", async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    for (const name of ["one", "two", "three"]) await api.prompt(id, name)
    await api.waitFor(id, text("said three"))
    const said = (await api.log(id)).map(chunkText).filter((line) => line !== null)
    expect(said.map((line) => line.replace(/^boot \S+ said /, ""))).toEqual(["one", "two", "three"])
  })

  it("cancels a turn and takes the next prompt", async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    const seq = await api.prompt(id, "wait")
    await api.waitFor(id, text("waiting"))
    await api.submit(id, "session/cancel", {})
    await api.waitFor(id, turnEnded("cancelled", seq), { timeoutMs: 3_000 })
    const next = await api.prompt(id, "next")
    expect(await outcomeOf(api, id, next)).toBe("completed")
  })

  it("says so when the supervisor dies in a turn, and goes on with the next prompt", async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    const before = new Set(supervisorPids(server.dataDirectory))
    const seq = await api.prompt(id, "wait")
    await api.waitFor(id, text("waiting"))
    const [pid] = supervisorPids(server.dataDirectory).filter((candidate) => !before.has(candidate))
    process.kill(pid ?? 0, "SIGKILL")
    await api.waitFor(id, turnEnded("lost", seq))
    await api.prompt(id, "again")
    await api.waitFor(id, text("said again"))
    const log = await api.log(id)
    expect(log.filter((entry) => isNotification(entry, "_berth/sandbox", { state: "lost" }))).toHaveLength(1)
  })

  it("gives an idle sandbox back and restores it with its files on the next prompt", async () => {
    const { id } = await api.createSession({ agent: "shell", permissions: "auto", idle_timeout: 0.5 })
    await api.prompt(id, "echo kept > file.txt; cd /tmp; export COLOUR=green")
    await api.waitFor(id, (entry) => isNotification(entry, "_berth/sandbox", { state: "released" }))
    expect((await api.call("GET", `/api/sessions/${id}`)).body).toMatchObject({ status: "idle" })
    const seq = await api.prompt(id, "cat /workspace/file.txt; echo $COLOUR $PWD")
    await api.waitFor(id, turnEnded("completed", seq))
    const log = JSON.stringify((await api.log(id)).filter((entry) => entry.seq > seq))
    expect(log).toContain("kept")
    expect(log).toContain("green /tmp")
  })

  it("frees the id on delete, and ends everything of the old session", async () => {
    const { id, log_id } = await api.createSession({ id: "again", agent: drillAgent })
    await api.prompt(id, "wait")
    await api.waitFor(id, text("waiting"))
    const pids = supervisorPids(server.dataDirectory)
    expect((await api.call("DELETE", `/api/sessions/${id}`)).status).toBe(200)
    const next = await api.createSession({ id: "again", agent: drillAgent })
    expect(next.log_id).not.toBe(log_id)
    const stale = await api.call("GET", `/api/sessions/${id}/sync`, undefined, {
      "last-event-id": `3@${log_id}`,
    })
    expect(stale).toMatchObject({ status: 410, body: { code: "session_replaced" } })
    await expect
      .poll(() => supervisorPids(server.dataDirectory).filter((pid) => pids.includes(pid)).length)
      .toBeLessThan(pids.length)
    await api.prompt(id, "fresh")
    await api.waitFor(id, text("said fresh"))
  })

  it("expires a permission, ends the turn, and turns a late answer into a new one", async () => {
    const { id } = await api.createSession({ agent: drillAgent, permission_hold: 0.5 })
    const seq = await api.prompt(id, "ask may I")
    const asked = await api.waitFor(id, (entry) => isNotification(entry, "_berth/question"))
    await api.waitFor(id, turnEnded("interrupted", seq))
    if (asked.type !== "notification" || asked.notification.method !== "_berth/question")
      throw new Error("no question")
    const { questionId } = asked.notification.params
    const late = await api.submit(id, "_berth/answer", { questionId, optionId: "yes" })
    expect(late.status).toBe(202)
    await api.waitFor(id, turnEnded("completed", Number(late.body["seq"])))
  })
})
