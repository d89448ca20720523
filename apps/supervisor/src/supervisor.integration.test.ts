import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { readUnsent } from "./read-unsent.ts"
import { createTestServer, type TestServer } from "./test-server.test-support.ts"

let server: TestServer
afterEach(() => server.close())

const starting = (prefix: string) => (line: string) => line.startsWith(prefix)
const said = (lines: readonly string[]) => lines.filter(starting("say ")).map((line) => line.slice(4))

/** Pids of all processes whose command line holds `text`. */
function processesWith(text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text)
      } catch {
        return false
      }
    })
}

async function until(isReached: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await isReached())) {
    if (Date.now() > deadline) throw new Error("it never came")
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe("a supervisor", () => {
  it("takes a prompt to an agent in a sandbox and its updates to the log", async () => {
    server = await createTestServer()
    await server.prompt("hello")
    const { stateDirectory, pid } = await server.launch()
    const lines = await server.until("turn_ended completed")
    expect(said(lines)).toEqual(["you said hello"])
    expect(lines).toContain("agent_state connected")
    expect(JSON.parse(readFileSync(join(stateDirectory, "supervisor.json"), "utf8"))).toMatchObject({ pid })
  })

  it("gives the agent its environment, the agent's own settings first, and no secret of ours", async () => {
    server = await createTestServer()
    for (const name of ["HOME", "CI", "FROM_SESSION", "FROM_AGENT", "BERTH_SESSION_ID", "HTTPS_PROXY"]) {
      await server.prompt(`env ${name}`)
    }
    await server.launch()
    const lines = await server.until("say HTTPS_PROXY=http://127.0.0.1:3128")
    expect(said(lines).slice(0, 5)).toEqual([
      "HOME=/home/agent",
      "CI=true",
      "FROM_SESSION=session",
      "FROM_AGENT=agent",
      "BERTH_SESSION_ID=s",
    ])
  })

  it("cancels a stuck agent within two seconds, its children too; the next prompt works", async () => {
    server = await createTestServer()
    await server.prompt("stuck")
    await server.launch()
    await server.until(starting("say stuck"))
    const before = processesWith("sleep\u00001000")
    expect(before.length).toBeGreaterThan(0)
    const startedAt = Date.now()
    await server.submit({ method: "session/cancel", params: {} })
    await server.until("turn_ended cancelled")
    expect(Date.now() - startedAt).toBeLessThan(2_000)
    expect(processesWith("sleep\u00001000")).toEqual([])
    await server.prompt("hello again")
    const lines = await server.until("say you said hello again")
    expect(said(lines)).not.toContain("replayed")
    expect(lines.filter((line) => line === "agent_state connected")).toHaveLength(2)
  })

  it("cancels an agent that obeys without touching its process", async () => {
    server = await createTestServer()
    await server.prompt("wait")
    await server.launch()
    await server.until("say waiting")
    await server.submit({ method: "session/cancel", params: {} })
    const lines = await server.until("turn_ended cancelled")
    expect(lines).not.toContain("agent_state exited")
  })

  it("holds a permission until it is answered", async () => {
    server = await createTestServer()
    await server.prompt("ask delete everything")
    await server.launch()
    await server.until("question permission")
    const { head } = await server.eventLog.state(server.log)
    const questionId = head.questions[0]?.questionId ?? ""
    await server.submit(
      { method: "_berth/answer", params: { questionId, optionId: "yes" } },
      { questionId, answer: { optionId: "yes" } },
    )
    const lines = await server.until("turn_ended completed")
    expect(said(lines)).toEqual(['answer {"outcome":"selected","optionId":"yes"}'])
  })

  it("serves its tools to the agent over MCP", async () => {
    server = await createTestServer()
    await server.prompt("tool list")
    await server.prompt("write out/a.txt some text")
    await server.prompt('tool publish_artifact {"path":"out/a.txt","title":"A text"}')
    await server.prompt('tool checkpoint {"message":"Is it fine?","artifacts":["out/a.txt"]}')
    await server.launch()
    const lines = await server.until("question checkpoint")
    const tools = said(lines)
    expect(tools[0]).toMatch(/checkpoint.*publish_artifact.*ask_user/)
    expect(tools.join("\n")).toContain("Published out/a.txt")
    const artifact = (await server.entries()).find(
      (entry) => entry.type === "notification" && entry.notification.method === "_berth/artifact",
    )
    expect(artifact).toMatchObject({
      notification: { params: { path: "out/a.txt", size: 9, title: "A text" } },
    })
  })

  it(
    "keeps 20,000 updates in order and whole while the server dies again and again",
    { timeout: 60_000 },
    async () => {
      server = await createTestServer()
      await server.prompt("stream 20000")
      const { pid } = await server.launch()
      await server.until("say n1")
      for (let kill = 0; kill < 5; kill += 1) {
        await server.cut()
        await new Promise((resolve) => setTimeout(resolve, 30))
        await server.open()
        const { headSeq } = await server.eventLog.state(server.log)
        await until(async () => (await server.eventLog.state(server.log)).headSeq > headSeq)
      }
      const lines = await server.until("turn_ended completed", 30_000)
      expect(said(lines)).toEqual(Array.from({ length: 20_000 }, (_, index) => `n${index + 1}`))
      expect(lines.filter(starting("agent_state starting"))).toHaveLength(1)
      expect(existsSync(`/proc/${pid}`)).toBe(true)
    },
  )

  it("attaches again within 300 ms after the server is back", async () => {
    server = await createTestServer()
    await server.prompt("hello")
    await server.launch()
    await server.until("turn_ended completed")
    await server.cut()
    await server.prompt("while you were away")
    await new Promise((resolve) => setTimeout(resolve, 500))
    const openedAt = Date.now()
    await server.open()
    await server.until("say you said while you were away")
    expect(Date.now() - openedAt).toBeLessThan(1_000)
  })

  it("starts the agent again after its process ended, and says how it ended", async () => {
    server = await createTestServer()
    await server.prompt("exit 7")
    await server.prompt("boot")
    await server.launch()
    const lines = await server.until(starting("say boot"))
    expect(lines).toContain("turn_ended failed")
    const states = (await server.entries()).flatMap((entry) =>
      entry.type === "notification" && entry.notification.method === "_berth/agent_state"
        ? [entry.notification.params]
        : [],
    )
    expect(states.find(({ state }) => state === "exited")).toMatchObject({
      exitCode: 7,
      detail: expect.stringContaining("so long"),
    })
    expect(states.at(-1)).toMatchObject({ state: "connected", resumed: true })
  })

  it("takes what an agent sends in one piece up to its bound, and ends an agent that goes over it", async () => {
    server = await createTestServer()
    await server.prompt("huge 1")
    await server.prompt("huge 40")
    await server.prompt("after")
    await server.launch()
    const lines = await server.until("say you said after", 30_000)
    expect(lines).toContain("spilled session/update")
    expect(lines).toContain("turn_ended failed")
  })

  it("gives the sandbox back with a snapshot; the next one has its files and conversation", async () => {
    server = await createTestServer()
    await server.prompt("write kept.txt still here")
    const first = await server.launch()
    await server.until("turn_ended completed")
    await server.submit({ method: "_berth/release", params: { reason: "idle" } })
    expect(await first.exited).toBe(0)
    expect(await server.lines()).toContain("sandbox released")
    expect(readdirSync(join(server.directory, "sandboxes")).filter((name) => !name.startsWith("."))).toEqual(
      [],
    )
    await server.prompt("read kept.txt")
    await server.launch()
    const lines = await server.until("say read still here")
    expect(lines).not.toContain("error conversation_lost")
  })

  it("on SIGTERM interrupts its turn, snapshots, gives the lease back and ends", async () => {
    server = await createTestServer()
    await server.prompt("write made.txt x")
    await server.prompt("wait")
    const { kill, exited } = await server.launch()
    await server.until("say waiting")
    kill("SIGTERM")
    expect(await exited).toBe(0)
    const lines = await server.lines()
    expect(lines).toContain("turn_ended interrupted")
    expect(lines.at(-1)).not.toBe("sandbox attached")
    expect(lines).toContain("sandbox released")
  })

  it("takes everything of the sandbox with it when it is killed, and leaves what it had not sent", async () => {
    server = await createTestServer()
    await server.prompt("stuck")
    const { kill, exited, stateDirectory } = await server.launch()
    await server.until(starting("say stuck"))
    await server.cut()
    kill("SIGKILL")
    await exited
    await until(() => processesWith("sleep\u00001000").length === 0)
    const { lastN } = await server.eventLog.state(server.log)
    expect((await readUnsent(stateDirectory)).filter(({ n }) => n > (lastN[1] ?? 0))).toEqual([])
  })

  it("keeps what it has not sent in a spool that outlives it", async () => {
    server = await createTestServer()
    await server.prompt("trickle 1000")
    const { kill, exited, stateDirectory } = await server.launch()
    await server.until("say n5")
    await server.cut()
    await until(async () => (await readUnsent(stateDirectory)).some(({ text }) => text.includes('"n60"')))
    kill("SIGKILL")
    await exited
    const { lastN } = await server.eventLog.state(server.log)
    const rest = (await readUnsent(stateDirectory)).filter(({ n }) => n > (lastN[1] ?? 0))
    expect(rest.map(({ n }) => n)).toEqual(rest.map((_, index) => (lastN[1] ?? 0) + 1 + index))
    expect(rest.length).toBeGreaterThan(40)
  })

  it("ends by itself when no server comes back, with everything in its spool", async () => {
    server = await createTestServer()
    await server.prompt("draft made.txt by the agent")
    const { exited, stateDirectory } = await server.launch({ orphanTimeoutMs: 1_000 })
    await server.until("say waiting")
    await server.cut()
    expect(await exited).toBe(0)
    const hashes: string[] = []
    const unsent = await readUnsent(stateDirectory, async (hash, content) => {
      hashes.push(hash)
      await content.cancel()
    })
    const text = unsent.map((entry) => entry.text).join("\n")
    expect(text).toContain('"outcome":"interrupted"')
    expect(text).toContain("_berth/snapshot")
    expect(hashes.length).toBeGreaterThan(1)
    expect((await readUnsent(stateDirectory)).map((entry) => entry.text).join("\n")).not.toContain(
      "_berth/snapshot",
    )
  })

  it("leaves at once when another runner holds the session", async () => {
    server = await createTestServer()
    await server.prompt("wait")
    const { exited } = await server.launch()
    await server.until("say waiting")
    await server.launch()
    expect(await exited).toBe(0)
  })

  it("runs agents with no sandbox when it is told to, and says so", async () => {
    server = await createTestServer()
    await server.prompt("write a.txt text")
    await server.prompt("tool list")
    await server.launch({ isUnsafe: true })
    const lines = await server.until(starting("say tool"))
    expect(lines).toContain("say wrote a.txt")
    expect(lines.find(starting("say tool"))).toContain("ask_user")
    const attached = (await server.entries()).find(
      (entry) =>
        entry.type === "notification" &&
        entry.notification.method === "_berth/sandbox" &&
        entry.notification.params.state === "attached",
    )
    expect(attached).toMatchObject({ notification: { params: { isolation: { level: "none" } } } })
  })

  it("says in the log that no sandbox could be made", async () => {
    server = await createTestServer()
    await server.prompt("hello")
    const { exited } = await server.launch({
      sandboxDirectory: join(server.directory, "server.sock", "none"),
    })
    expect(await exited).toBe(1)
    expect(await server.lines()).toContain("error sandbox_start_failed")
  })

  it("takes a session on when it was started before there was one", async () => {
    server = await createTestServer()
    await server.prompt("hello")
    const { pid, begin } = server.spawnSupervisor()
    // It has made what all sandboxes share: so it has tried the host.
    await until(() => readdirSync(join(server.directory, "sandboxes")).length > 0)
    begin(JSON.stringify(await server.documentFor()))
    const lines = await server.until("turn_ended completed")
    expect(said(lines)).toEqual(["you said hello"])
    expect(existsSync(`/proc/${pid}`)).toBe(true)
  })

  it("waits for its launch document, and ends without a word when none comes", async () => {
    server = await createTestServer()
    const waiting = server.spawnSupervisor()
    waiting.begin("")
    expect(await waiting.exited).toBe(0)
    expect(waiting.output()).toBe("")
  })

  it("refuses a launch document that is not whole", async () => {
    server = await createTestServer()
    const { exited, output } = await server.launch({ token: "" })
    expect(await exited).toBe(1)
    expect(output()).toContain("token")
  })
})
