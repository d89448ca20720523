import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer, type AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"

const root = new URL("../../", import.meta.url)
const programs = {
  cli: fileURLToPath(new URL("dist/cli.js", root)),
  start: fileURLToPath(new URL("scripts/start.mjs", root)),
}

let server: ServerProcess
beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(() => server.stop())

/** A program of ours as its user meets it: words in, two streams and an exit code out. */
function launch(program: keyof typeof programs, words: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [programs[program], ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: server.dataDirectory, BERTH_URL: server.url, ...env },
  })
  const output = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text
      child.emit("output")
    })
  }
  const closed = once(child, "close").then(([code]: unknown[]) => ({ code, ...output }))
  const shows = async (text: string): Promise<void> => {
    while (!output.stdout.includes(text) && !output.stderr.includes(text)) {
      await Promise.race([once(child, "output"), closed.then(endedWithout(text))])
    }
  }
  return {
    child,
    closed,
    shows,
    async readyUrl(): Promise<string> {
      await shows("Berth is ready at ")
      return /Berth is ready at (\S+)/.exec(output.stdout)?.[1] ?? ""
    },
  }
}

function endedWithout(text: string) {
  return (result: object): never => {
    throw new Error(`ended without showing ${text}: ${JSON.stringify(result)}`)
  }
}

const berth = (...words: string[]) => launch("cli", words).closed

/** The id of the newest session, as a script would find it. */
async function newest(): Promise<string> {
  const { stdout } = await berth("sessions", "--json", "--limit", "1")
  return (JSON.parse(stdout) as { id: string }).id
}

/** Where nobody listens. */
async function nobodysUrl(): Promise<string> {
  const listener = createServer().listen(0, "127.0.0.1")
  await once(listener, "listening")
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, "close")
  return `http://127.0.0.1:${port}`
}

describe("berth", () => {
  it("runs a prompt: the agent's words on stdout, all else beside", async () => {
    const { code, stdout, stderr } = await berth("run", "--auto", "echo hello; echo >&2 $((6 * 7))")
    expect({ code, stdout }).toEqual({ code: 0, stdout: "hello\n42\n" })
    expect(stderr).toContain("(namespaces)")
    expect(stderr).toContain("✓ echo hello")
  })

  it("shows everything once when the server is killed under it", async () => {
    const lines = Array.from({ length: 40 }, (_unused, at) => `line ${at + 1}`)
    const run = launch("cli", ["run", "--auto", "for i in $(seq 40); do echo line $i; sleep 0.05; done"])
    for (const line of ["line 5\n", "line 20\n"]) {
      await run.shows(line)
      await server.kill()
      await run.shows("the server is away")
      await server.start()
    }
    const { code, stdout, stderr } = await run.closed
    expect({ code, lines: stdout.trim().split("\n") }).toEqual({ code: 0, lines })
    expect(stderr).toContain("nothing was missed")
  })

  it("cancels at Ctrl-C, and the session takes the next prompt", async () => {
    const run = launch("cli", ["run", "--auto", "echo begun; sleep 600"])
    await run.shows("begun")
    run.child.kill("SIGINT")
    expect((await run.closed).code).toBe(130)
    const next = await berth("run", "--auto", "--session", await newest(), "echo still here")
    expect(next).toMatchObject({ code: 0, stdout: "still here\n" })
  })

  it("exports a log without holes", async () => {
    const { stdout } = await berth("logs", "--json", await newest())
    const seqs = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { seq: number }).seq)
    expect(seqs).toEqual(seqs.map((_seq, at) => at + 1))
    expect((await berth("logs", await newest())).stdout).toContain("still here")
  })

  it("makes a key, lists it and takes it back", async () => {
    const { stdout: secret } = await berth("keys", "create", "drill")
    expect(secret).toMatch(/^\S{20,}\n$/)
    const { stdout: listed } = await berth("keys")
    const id = /^(\S+)\s+drill\b/m.exec(listed)?.[1] ?? ""
    expect(listed).not.toContain(secret.trim())
    expect((await berth("--key", secret.trim(), "sessions")).code).toBe(0)
    expect((await berth("keys", "delete", id)).code).toBe(0)
    const refused = await berth("--key", secret.trim(), "sessions")
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toContain("BERTH_API_KEY")
  })

  it("says what is wrong, and ends accordingly", async () => {
    expect(await berth("logs", "no-such-session")).toMatchObject({ code: 1, stdout: "" })
    expect((await berth("run", "--agent", "nobody", "hi")).stderr).toMatch(/shell/)
    expect((await berth("run", "--network", "http://x", "hi")).code).toBe(2)
    expect((await berth("--url", await nobodysUrl(), "sessions")).stderr).toContain("berth serve")
    expect((await berth("doctor")).code).toBe(0)
  })
})

describe("starting", () => {
  const ownServer = { BERTH_PORT: "0", BERTH_LOG_LEVEL: "warn" }

  it("one Ctrl-C under npm start is two signals, and ends the server well", async () => {
    const env = { ...ownServer, BERTH_DATA_DIR: `${server.dataDirectory}/a` }
    const start = launch("start", [], env)
    expect((await fetch(`${await start.readyUrl()}/health`)).status).toBe(200)
    start.child.kill("SIGINT")
    start.child.kill("SIGINT")
    expect(await start.closed).toMatchObject({ code: 0 })
  })

  it("berth serve becomes the server; a second one on the same data is refused", async () => {
    const words = ["serve", "--port", "0", "--data-dir", `${server.dataDirectory}/b`]
    const first = launch("cli", words, ownServer)
    expect((await fetch(`${await first.readyUrl()}/health`)).status).toBe(200)
    const second = await launch("cli", words, ownServer).closed
    expect(second.code).not.toBe(0)
    expect(second.stderr).toMatch(/^berth: /)
    first.child.kill("SIGINT")
    expect(await first.closed).toMatchObject({ code: 0 })
  })
})
