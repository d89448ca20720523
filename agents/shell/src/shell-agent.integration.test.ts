import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable, Writable } from "node:stream"
import {
  client,
  methods,
  ndJsonStream,
  type ClientConnection,
  type PromptResponse,
  type RequestPermissionOutcome,
  type RequestPermissionRequest,
  type SessionUpdate,
} from "@agentclientprotocol/sdk"
import { afterEach, beforeEach, expect, test } from "vitest"

const main = join(import.meta.dirname, "main.ts")

interface Running {
  readonly connection: ClientConnection
  readonly process: ChildProcess
  readonly updates: SessionUpdate[]
  readonly asked: RequestPermissionRequest[]
  answer: (request: RequestPermissionRequest) => Promise<RequestPermissionOutcome>
  prompt(sessionId: string, script: string): Promise<PromptResponse>
  /** Message text since the last call, by stream. */
  takeText(): { stdout: string; stderr: string }
  waitFor(isThere: (update: SessionUpdate) => boolean): Promise<void>
}

let home: string
let workspace: string
const started: ChildProcess[] = []

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "shell-home-"))
  workspace = mkdtempSync(join(tmpdir(), "shell-work-"))
})

afterEach(async () => {
  for (const process of started.splice(0)) {
    if (process.exitCode !== null || process.signalCode !== null) continue
    process.kill("SIGKILL")
    await once(process, "exit")
  }
  rmSync(home, { recursive: true })
  rmSync(workspace, { recursive: true })
})

async function start(env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [main], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { HOME: home, PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...env },
  })
  started.push(child)
  const updates: SessionUpdate[] = []
  const asked: RequestPermissionRequest[] = []
  const watchers = new Set<() => void>()
  const connection = client({ name: "test" })
    .onNotification(methods.client.session.update, ({ params }) => {
      updates.push(params.update)
      for (const watch of watchers) watch()
    })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      asked.push(params)
      return { outcome: await running.answer(params) }
    })
    .connect(
      ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout) as ReadableStream<Uint8Array>),
    )
  const running: Running = {
    connection,
    process: child,
    updates,
    asked,
    answer: () => Promise.resolve({ outcome: "selected", optionId: "allow_once" }),
    prompt: (sessionId, script) =>
      connection.agent.request(methods.agent.session.prompt, {
        sessionId,
        prompt: [{ type: "text", text: script }],
      }),
    takeText() {
      const text = { stdout: "", stderr: "" }
      for (const update of updates.splice(0)) {
        if (update.sessionUpdate !== "agent_message_chunk" || update.content.type !== "text") continue
        text[update._meta === undefined ? "stdout" : "stderr"] += update.content.text
      }
      return text
    },
    async waitFor(isThere) {
      const seen = Promise.withResolvers<void>()
      const watch = (): void => {
        if (updates.some(isThere)) seen.resolve()
      }
      watchers.add(watch)
      watch()
      await seen.promise
      watchers.delete(watch)
    },
  }
  const initialized = await connection.agent.request(methods.agent.initialize, { protocolVersion: 1 })
  expect(initialized).toMatchObject({ protocolVersion: 1, agentCapabilities: { loadSession: true } })
  return running
}

async function open(running: Running): Promise<string> {
  const { sessionId, modes } = await running.connection.agent.request(methods.agent.session.new, {
    cwd: workspace,
    mcpServers: [],
  })
  expect(modes?.currentModeId).toBe("ask")
  return sessionId
}

function includesText(text: string): (update: SessionUpdate) => boolean {
  return (update) =>
    update.sessionUpdate === "agent_message_chunk" &&
    update.content.type === "text" &&
    update.content.text.includes(text)
}

async function isGone(pid: number): Promise<boolean> {
  const deadline = Date.now() + 2_000
  while (Date.now() < deadline) {
    if (!existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")) return true
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return false
}

test("asks, then runs, and tells output, errors and exit code apart", async () => {
  const agent = await start()
  const session = await open(agent)
  const script = "\necho out\necho bad >&2\nexit 3"
  expect(await agent.prompt(session, script)).toEqual({ stopReason: "end_turn" })
  expect(agent.asked[0]).toMatchObject({
    toolCall: { toolCallId: "run-1", title: "echo out", kind: "execute", rawInput: { command: script } },
    options: [{ kind: "allow_once" }, { kind: "allow_always" }, { kind: "reject_once" }],
  })
  const calls = agent.updates.filter((update) => update.sessionUpdate.startsWith("tool_call"))
  expect(calls).toMatchObject([
    { sessionUpdate: "tool_call", status: "pending" },
    { sessionUpdate: "tool_call_update", status: "in_progress" },
    { sessionUpdate: "tool_call_update", status: "failed", rawOutput: { exitCode: 3 } },
  ])
  expect(agent.takeText()).toEqual({ stdout: "out\n", stderr: "bad\n" })
})

test("a rejected script does not run, and the next one may", async () => {
  const agent = await start()
  const session = await open(agent)
  agent.answer = () => Promise.resolve({ outcome: "selected", optionId: "reject_once" })
  expect(await agent.prompt(session, "touch made")).toEqual({ stopReason: "end_turn" })
  expect(existsSync(join(workspace, "made"))).toBe(false)
  expect(agent.updates.at(-1)).toMatchObject({ status: "failed", rawOutput: { reason: "rejected" } })
  agent.answer = () => Promise.resolve({ outcome: "selected", optionId: "allow_once" })
  await agent.prompt(session, "touch made")
  expect(existsSync(join(workspace, "made"))).toBe(true)
})

test("allow_always and the mode auto ask no more", async () => {
  const agent = await start()
  const session = await open(agent)
  agent.answer = () => Promise.resolve({ outcome: "selected", optionId: "allow_always" })
  await agent.prompt(session, "true")
  expect(agent.updates.at(-1)).toEqual({ sessionUpdate: "current_mode_update", currentModeId: "auto" })
  await agent.prompt(session, "true")
  expect(agent.asked).toHaveLength(1)
  await agent.connection.agent.request(methods.agent.session.setMode, { sessionId: session, modeId: "ask" })
  await agent.prompt(session, "true")
  expect(agent.asked).toHaveLength(2)
})

test("folder, variables and functions stay from one prompt to the next", async () => {
  const agent = await start({ GIVEN: "1", DROPPED: "1" })
  const session = await open(agent)
  await agent.prompt(
    session,
    `mkdir sub; cd sub; export A=$'x\\ny' GIVEN=2; unset DROPPED; b='it'"'"'s "b"'; list=(1 "2 3"); greet() { echo "hi $1"; }; set -u; exit 4`,
  )
  agent.takeText()
  await agent.prompt(session, 'pwd; printenv A GIVEN; echo "[${DROPPED-none}]" "$b" "${list[1]}"; greet you')
  expect(agent.takeText()).toEqual({
    stdout: `${workspace}/sub\nx\ny\n2\n[none] it's "b" 2 3\nhi you\n`,
    stderr: "",
  })
})

test("errors of bash count the script's own lines, and a broken script ends its prompt alone", async () => {
  const agent = await start()
  const session = await open(agent)
  await agent.prompt(session, "echo 1\nnosuchcommand")
  expect(agent.takeText().stderr).toBe("bash: line 2: nosuchcommand: command not found\n")
  for (const script of ["if", "exec false", "kill -9 $$", "set -e; false", "exit 1"]) {
    await agent.prompt(session, script)
    const last = agent.updates.findLast((update) => update.sessionUpdate === "tool_call_update")
    expect(last).toMatchObject({ status: "failed" })
  }
  agent.takeText()
  await agent.prompt(session, "echo still here")
  expect(agent.takeText().stdout).toBe("still here\n")
})

test("output comes as it is printed, also half a line", async () => {
  const agent = await start()
  const session = await open(agent)
  const done = agent.prompt(session, "printf half; while [ ! -e go ]; do sleep 0.01; done; echo ' done'")
  await agent.waitFor(includesText("half"))
  writeFileSync(join(workspace, "go"), "")
  await done
  expect(agent.takeText().stdout).toBe("half done\n")
})

test("a character cut anywhere arrives whole", async () => {
  const agent = await start()
  const session = await open(agent)
  const bytes = [...Buffer.from("aé€😀z")].map((byte) => `\\x${byte.toString(16)}`)
  await agent.prompt(session, bytes.map((byte) => `printf '${byte}'; sleep 0.005`).join("\n"))
  expect(agent.takeText().stdout).toBe("aé€😀z")
})

test("20,000 lines are 20,000 updates, in order and soon", async () => {
  const agent = await start()
  const session = await open(agent)
  const startedAt = performance.now()
  await agent.prompt(session, 'for i in $(seq 20000); do echo "line $i"; done')
  const elapsedMs = performance.now() - startedAt
  const texts = agent.updates.filter((update) => update.sessionUpdate === "agent_message_chunk")
  expect(texts.length).toBeGreaterThanOrEqual(20_000)
  expect(texts.length).toBeLessThan(22_000)
  const expected = Array.from({ length: 20_000 }, (_, index) => `line ${index + 1}\n`).join("")
  expect(agent.takeText().stdout === expected).toBe(true)
  expect(elapsedMs).toBeLessThan(5_000)
})

test("endless output is bounded, says so, and keeps its end", async () => {
  const agent = await start()
  const session = await open(agent)
  await agent.prompt(session, "head -c 30000000 /dev/zero | tr '\\0' x; echo THE END")
  const { stdout, stderr } = agent.takeText()
  expect(stdout.length).toBeLessThan(9_000_000)
  expect(stdout.endsWith("THE END\n")).toBe(true)
  expect(stderr).toMatch(/\[\d+ characters of output left out here/)
})

test("a cancel ends the whole tree at once, and leaves a session that takes the next prompt", async () => {
  const agent = await start()
  const session = await open(agent)
  const done = agent.prompt(
    session,
    // One child ignores SIGTERM, one left the process group.
    "(trap '' TERM; echo a $BASHPID; while :; do sleep 1; done) & (setsid bash -c 'echo b $$; sleep 1000') & sleep 1000",
  )
  await agent.waitFor(includesText("a "))
  await agent.waitFor(includesText("b "))
  const startedAt = performance.now()
  await agent.connection.agent.notify(methods.agent.session.cancel, { sessionId: session })
  expect(await done).toEqual({ stopReason: "cancelled" })
  expect(performance.now() - startedAt).toBeLessThan(1_500)
  expect(agent.updates.findLast((update) => update.sessionUpdate === "tool_call_update")).toMatchObject({
    status: "failed",
    rawOutput: { reason: "cancelled" },
  })
  const { stdout } = agent.takeText()
  for (const [, pid] of stdout.matchAll(/[ab] (\d+)/g)) expect(await isGone(Number(pid))).toBe(true)
  await agent.prompt(session, "echo next")
  expect(agent.takeText().stdout).toBe("next\n")
})

test("a cancel ends a wait for permission", async () => {
  const agent = await start()
  const session = await open(agent)
  const isAsked = Promise.withResolvers<void>()
  agent.answer = () => {
    isAsked.resolve()
    return new Promise(() => undefined)
  }
  const done = agent.prompt(session, "touch made")
  await isAsked.promise
  await agent.connection.agent.notify(methods.agent.session.cancel, { sessionId: session })
  expect(await done).toEqual({ stopReason: "cancelled" })
  expect(existsSync(join(workspace, "made"))).toBe(false)
})

test("what runs on in the background is named, and ends with the agent", async () => {
  const agent = await start()
  const session = await open(agent)
  await agent.prompt(session, "(while sleep 0.01; do echo tick; done) & echo $! > pid")
  expect(agent.takeText().stderr).toContain("runs on in the background")
  const pid = Number(readFileSync(join(workspace, "pid"), "utf8"))
  // It survives our no longer reading it, and later prompts.
  await agent.prompt(session, "sleep 0.1; kill -0 $(cat pid) && echo alive")
  expect(agent.takeText().stdout).toBe("alive\n")
  agent.process.stdin?.end()
  const [code] = (await once(agent.process, "exit")) as [number | null]
  expect(code).toBe(0)
  expect(await isGone(pid)).toBe(true)
})

test("a second prompt during a turn, and a strange session, are refused", async () => {
  const agent = await start()
  const session = await open(agent)
  const done = agent.prompt(session, "echo started; while [ ! -e go ]; do sleep 0.01; done")
  await agent.waitFor(includesText("started"))
  await expect(agent.prompt(session, "echo 2")).rejects.toMatchObject({ code: -32600 })
  writeFileSync(join(workspace, "go"), "")
  await done
  await expect(agent.prompt("shell-none", "echo")).rejects.toMatchObject({ code: -32002 })
  for (const sessionId of ["shell-none", "../../etc", `shell-${crypto.randomUUID()}`]) {
    await expect(
      agent.connection.agent.request(methods.agent.session.load, {
        sessionId,
        cwd: workspace,
        mcpServers: [],
      }),
    ).rejects.toMatchObject({ code: -32002 })
  }
})

test("a new process goes on with folder, environment, mode and history", async () => {
  const first = await start({ OLD_TOKEN: "1" })
  const session = await open(first)
  await first.connection.agent.request(methods.agent.session.setMode, { sessionId: session, modeId: "auto" })
  await first.prompt(
    session,
    "mkdir kept; cd kept; export A=5; f() { echo f; }; echo said; echo bad >&2; exit 2",
  )
  first.process.kill("SIGKILL")

  const second = await start({ NEW_TOKEN: "2" })
  const loaded = await second.connection.agent.request(methods.agent.session.load, {
    sessionId: session,
    cwd: workspace,
    mcpServers: [],
  })
  expect(loaded.modes?.currentModeId).toBe("auto")
  expect(second.updates).toMatchObject([
    { sessionUpdate: "user_message_chunk" },
    { sessionUpdate: "tool_call", toolCallId: "run-1", status: "failed", rawOutput: { exitCode: 2 } },
    { sessionUpdate: "agent_message_chunk", content: { text: "said\n" } },
    {
      sessionUpdate: "agent_message_chunk",
      content: { text: "bad\n" },
      _meta: { berth: { stream: "stderr" } },
    },
  ])
  second.takeText()
  await second.prompt(session, 'pwd; echo "$A [${OLD_TOKEN-}] $NEW_TOKEN"; f')
  expect(second.takeText().stdout).toBe(`${workspace}/kept\n5 [] 2\nf\n`)
  expect(second.asked).toEqual([])

  rmSync(join(workspace, "kept"), { recursive: true })
  const third = await start()
  await third.connection.agent.request(methods.agent.session.load, {
    sessionId: session,
    cwd: workspace,
    mcpServers: [],
  })
  third.takeText()
  await third.prompt(session, "pwd")
  const { stdout, stderr } = third.takeText()
  expect(stdout).toBe(`${workspace}\n`)
  expect(stderr).toContain("kept is gone")
})

test("a long output is shortened in the history, and the statement says so", async () => {
  const first = await start()
  const session = await open(first)
  await first.prompt(session, "seq 100000")
  const second = await start()
  await second.connection.agent.request(methods.agent.session.load, {
    sessionId: session,
    cwd: workspace,
    mcpServers: [],
  })
  const { stdout, stderr } = second.takeText()
  expect(stdout.startsWith("1\n2\n")).toBe(true)
  expect(stdout.endsWith("99999\n100000\n")).toBe(true)
  expect(stdout.length).toBe(32 * 1024)
  expect(stderr).toContain("characters left out")
})
