import { PassThrough } from "node:stream"
import { afterEach, beforeEach, expect, test } from "vitest"
import { readConfig } from "./config.ts"
import { createProgram } from "./program.ts"
import { createFakeTerminal } from "./testing/fake-terminal.test-support.ts"
import { emptyRecord, say, startStandIn, type StandIn } from "./testing/stand-in-server.test-support.ts"

let standIn: StandIn
beforeEach(async () => {
  standIn = await startStandIn()
})
afterEach(async () => {
  expect(standIn.problems).toEqual([])
  await standIn.close()
})

async function berth(...words: string[]) {
  const screen = createFakeTerminal()
  let code = 0
  const program = createProgram({
    config: readConfig({ BERTH_URL: standIn.url }),
    terminal: screen.terminal,
    stdin: PassThrough.from(["from stdin"]),
    exit: (chosen) => (code = chosen),
  })
  await program.exitOverride().parseAsync(["node", "berth", ...words])
  return { stdout: screen.stdout(), stderr: screen.stderr(), code }
}

test("run reads a prompt from standard input and tells the outcome by its exit code", async () => {
  standIn.onCommand = ({ seq }) => void standIn.append(say.turnEnded(seq, "lost"))
  const { code } = await berth("run", "-")
  expect(code).toBe(4)
  expect(standIn.submitted[0]?.params).toEqual({ prompt: [{ type: "text", text: "from stdin" }] })
})

test("sessions are a table in which no title can do harm", async () => {
  const session = { ...emptyRecord, id: "s1", session_id: "s1", head_seq: 7, title: "a\u001b[2J\nb\u202e" }
  standIn.answers.set("GET /api/sessions", { sessions: [session], count: 1, total: 1 })
  const { stdout } = await berth("sessions")
  expect(stdout.split("\n")[1]).toBe("s1       idle    shell  2026-01-01 00:00  7        a ⏎ b\ufffd")
  const json = await berth("sessions", "--json")
  expect(JSON.parse(json.stdout)).toMatchObject({ id: "s1", title: session.title })
})

test("keys: the secret alone goes to stdout", async () => {
  const key = { id: "k1", name: "ci", project: null, created_at: "2026-01-01T00:00:00.000Z" }
  standIn.answers.set("POST /api/keys", { ...key, key: "berth_secret" })
  standIn.answers.set("GET /api/keys", { keys: [key], count: 1 })
  standIn.answers.set("DELETE /api/keys/k1", { deleted: "k1", success: true, id: "k1" })
  const created = await berth("keys", "create", "ci", "--only", "p1")
  expect(created.stdout).toBe("berth_secret\n")
  expect(standIn.bodies[0]).toEqual({ name: "ci", project: "p1" })
  expect((await berth("keys")).stdout).toContain("k1  ci    (all)")
  expect((await berth("keys", "delete", "k1")).stderr).toBe("key k1 is deleted\n")
})

test("logs: read by a person, and as they are", async () => {
  standIn.append(say.text("hello\u001b[2J"))
  expect((await berth("logs", "s1")).stdout).toBe("hello\n")
  const line = JSON.stringify({ seq: 1, text: "\u009b2J" })
  standIn.answers.set("GET /api/sessions/s1/log.ndjson", `${line}\n${line}\n`)
  const { stdout } = await berth("logs", "--json", "s1")
  expect(stdout).toBe('{"seq":1,"text":"\\u009b2J"}\n'.repeat(2))
  standIn.answers.set("GET /api/sessions/s1/log.ndjson", `${line}\n${line.slice(3)}`)
  await expect(berth("logs", "--json", "s1")).rejects.toThrow(/cut off/)
})

test("what the server refuses is said in its words", async () => {
  await expect(berth("keys", "delete", "nope")).rejects.toMatchObject({
    code: "not_found",
    message: "There is no such route.",
  })
  await expect(berth("run", " ")).rejects.toMatchObject({ code: "bad_params" })
})
