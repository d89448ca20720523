import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { firstLine, run, runScript, specOf } from "@berth/conformance"
import type { Sandbox } from "@berth/core"
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { createBubblewrapProvider } from "./bubblewrap-provider.ts"
import { defaultSearchPath } from "./inside-paths.ts"
import { createUnsafeProvider } from "./unsafe/unsafe-provider.ts"
import { checkHost } from "./host/check-host.ts"
import { createTestLogger, createTestProvider, testClock } from "./testing/test-host.ts"

const { provider, directory, clear, remove } = createTestProvider(createBubblewrapProvider)
afterEach(clear)
afterAll(remove)

const otherProcess = join(import.meta.dirname, "testing/other-process.ts")
const gone = { timeout: 5_000, interval: 5 }

function groupsNamed(id: string): readonly string[] {
  const { group } = JSON.parse(readFileSync(join(directory, id, "sandbox.json"), "utf8")) as {
    group: { folders: Record<string, string> } | null
  }
  return Object.values(group?.folders ?? {})
}

async function lineOf(child: ChildProcess): Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new Error("no stdout")
  for await (const line of createInterface({ input: child.stdout }))
    return JSON.parse(line) as Record<string, unknown>
  throw new Error("it said nothing")
}

describe("several processes over one directory", () => {
  let other: ChildProcess
  let id: string
  beforeEach(async () => {
    other = spawn(process.execPath, [otherProcess, directory, "hold"], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    id = String((await lineOf(other))["id"])
  })
  afterEach(() => {
    if (other.exitCode === null && other.signalCode === null) other.kill("SIGKILL")
  })

  test("what one started another lists, uses and destroys", async () => {
    expect(await provider.list()).toMatchObject([{ id, isAlive: true }])
    const attached = await provider.attach(id)
    expect(attached && (await runScript(attached, "echo both")).stdout).toBe("both\n")
    const ended = once(other, "exit")
    await provider.destroy(id)
    await ended
    expect(await provider.list()).toEqual([])
  })

  test("a creator killed takes what is bound to it, no more; the rest is found and removed", async () => {
    const groups = groupsNamed(id)
    other.kill("SIGKILL")
    await once(other, "exit")
    const commands = (): readonly string[] =>
      groups.length === 0
        ? []
        : readFileSync(join(groups[0] ?? "", "cgroup.procs"), "utf8")
            .split("\n")
            .filter(Boolean)
            .map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim())
            .filter((command) => command.startsWith("sleep"))
    await vi.waitFor(() => expect(commands()).toEqual(["sleep 1002"]), gone)
    expect(await provider.list()).toMatchObject([{ id, isAlive: true }])
    await provider.destroy(id)
    expect(await provider.list()).toEqual([])
    expect(readdirSync(directory).filter((name) => name.startsWith(id))).toEqual([])
    for (const folder of groups) expect(() => statSync(folder)).toThrow(/ENOENT/)
  })
})

describe("a way out through sockets", () => {
  let folder: string
  let server: Server
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "berth-sockets-"))
    chmodSync(folder, 0o755)
    server = createServer((request, response) => response.end(`hello ${request.url}`))
    server.listen(join(folder, "gateway.sock"))
    await once(server, "listening")
    chmodSync(join(folder, "gateway.sock"), 0o666)
  })
  afterEach(() => {
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  const withForward = (): Promise<Sandbox> =>
    provider.create({
      ...specOf(),
      sockets: { directory: folder, forwards: [{ port: 3128, socket: "gateway.sock" }] },
    })
  const fetching = (path: string): readonly string[] => [
    "node",
    "-e",
    `fetch("http://127.0.0.1:3128${path}").then((r) => r.text()).then((t) => process.stdout.write(t))`,
  ]

  test("it listens before the command's first step, and ends with the command", async () => {
    const sandbox = await withForward()
    // A bare connect, without the moment a runtime takes to start.
    const knock =
      'perl -e \'use Socket; socket(S,2,1,0) or die; connect(S,pack_sockaddr_in(3128,inet_aton("127.0.0.1"))) or die "refused"; print "in"\''
    for (let round = 0; round < 5; round += 1) {
      expect(await runScript(sandbox, `exec ${knock}`)).toMatchObject({ stdout: "in", exit: { code: 0 } })
    }
    expect(await run(sandbox, fetching("/a"))).toMatchObject({ stdout: "hello /a", exit: { code: 0 } })
    expect((await runScript(sandbox, "exit 7")).exit).toEqual({ code: 7, signal: null, reason: "exited" })
    expect(await provider.list()).toMatchObject([{ isAlive: false }])
  })

  test("many at once, and several in one sandbox", async () => {
    const sandbox = await withForward()
    const answers = await Promise.all(["/1", "/2", "/3"].map((path) => run(sandbox, fetching(path))))
    expect(answers.map(({ stdout }) => stdout)).toEqual(["hello /1", "hello /2", "hello /3"])
  })

  test("a socket can be dialled without the relay, and not be replaced", async () => {
    const sandbox = await withForward()
    const { stdout, stderr } = await runScript(
      sandbox,
      `printf 'GET /u HTTP/1.0\\r\\n\\r\\n' | socat - UNIX-CONNECT:/run/berth/gateway.sock | tail -1
       rm -f /run/berth/gateway.sock; ln -s x /run/berth/y; echo >/run/berth/z`,
    )
    expect(stdout).toBe("hello /u")
    expect(stderr.match(/Read-only file system/g)).toHaveLength(3)
    expect(readdirSync(folder)).toEqual(["gateway.sock"])
  })

  test("without forwards there is no relay, with one of them there is one", async () => {
    const count = "grep -l '^socat$' /proc/[0-9]*/comm | wc -l"
    expect((await runScript(await provider.create(specOf()), count)).stdout.trim()).toBe("0")
    expect((await runScript(await withForward(), count)).stdout.trim()).toBe("1")
  })

  test("without isolation the relays are on ports of the host, and the command is told", async () => {
    const unsafe = createTestProvider(createUnsafeProvider)
    const spec = {
      ...specOf(),
      sockets: { directory: folder, forwards: [{ port: 3128, socket: "gateway.sock" }] },
    }
    const sandboxes = await Promise.all([unsafe.provider.create(spec), unsafe.provider.create(spec)])
    const script = "fetch(process.env.URL).then((r) => r.text()).then((t) => process.stdout.write(t))"
    const env = { URL: "http://127.0.0.1:3128/x", PATH: defaultSearchPath }
    const answers = await Promise.all(
      sandboxes.map((sandbox) => run(sandbox, ["node", "-e", script], { env })),
    )
    expect(answers.map(({ stdout }) => stdout)).toEqual(["hello /x", "hello /x"])
    expect(unsafe.logger.lines).toMatchObject([{ level: "warn" }])
    await unsafe.remove()
  })

  test("a forward that is none is refused", async () => {
    for (const forward of [
      { port: 0, socket: "a" },
      { port: 70_000, socket: "a" },
      { port: 1, socket: "../a" },
      { port: 1, socket: "a;b" },
    ]) {
      await expect(
        provider.create({ ...specOf(), sockets: { directory: folder, forwards: [forward] } }),
      ).rejects.toThrow(/A forward needs/)
    }
    expect(await provider.list()).toEqual([])
  })
})

test("programs are shown read-only", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-program-"))
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, "tool"), "#!/bin/sh\necho tool\n", { mode: 0o755 })
  const sandbox = await provider.create({
    ...specOf(),
    programs: [{ source: folder, target: "/opt/berth/tool" }],
  })
  const { stdout, stderr } = await runScript(sandbox, "/opt/berth/tool/tool; echo >/opt/berth/tool/x")
  expect(stdout).toBe("tool\n")
  expect(stderr).toContain("Read-only file system")
  rmSync(folder, { recursive: true })
})

test("what is not there to be shown is refused, and nothing is left of the attempt", async () => {
  const programs = [{ source: "/nonexistent", target: "/opt/x" }]
  await expect(provider.create({ ...specOf(), programs })).rejects.toThrow(/no \/nonexistent/)
  expect(await provider.list()).toEqual([])
  expect(readdirSync(directory).filter((name) => !name.startsWith("."))).toEqual([])
})

test("code of the sandbox's cannot come ahead of its limits", async () => {
  const sandbox = await provider.create(specOf())
  const early = join("/workspace", "early.so")
  const env = { LD_PRELOAD: early, ENV: "/workspace/rc", BASH_ENV: "/workspace/rc" }
  await runScript(sandbox, "echo 'touch /workspace/ran-early' >rc; echo broken >early.so")
  const { stderr, exit } = await run(sandbox, ["sh", "-c", "exit 3"], { env })
  // Only the command's own loader complains.
  expect(stderr.match(/early\.so/g)).toHaveLength(1)
  expect(exit.code).toBe(3)
  expect(await sandbox.files.stat("workspace", "ran-early")).toBeNull()
})

test("nothing of a finished run is left on the host", async () => {
  const sandbox = await provider.create(specOf())
  const groups = groupsNamed(sandbox.id)
  const before = readdirSync("/proc/self/fd").length
  for (let round = 0; round < 8; round += 1) await runScript(sandbox, "echo x; sleep 1000 & exit 0")
  for (const folder of groups) expect(readFileSync(join(folder, "cgroup.procs"), "utf8")).toBe("")
  // Pipes made ahead of need come in pairs.
  await vi.waitFor(() => expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 16), gone)
})

test("memory, processor time and processes are held by control groups where there are any", async () => {
  const sandbox = await provider.create(specOf())
  const groups = groupsNamed(sandbox.id)
  if (groups.length === 0) return
  expect(Object.values(sandbox.isolation.limits).map(({ mechanism }) => mechanism)).toEqual([
    "cgroup",
    "cgroup",
    "cgroup",
    "polled",
  ])
  const process = await sandbox.spawn(["/bin/sh", "-c", "echo up; sleep 1000"])
  await firstLine(process.stdout)
  for (const folder of groups) {
    const pids = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean)
    expect(pids.length).toBeGreaterThanOrEqual(2)
  }
})

test("doctor finds this host fit", async () => {
  const checks = await checkHost()
  expect(checks.filter(({ isNeeded, isOk }) => isNeeded && !isOk)).toEqual([])
  expect(checks.map(({ name }) => name)).toContain("user namespaces")
})

describe("as root", () => {
  beforeEach((context) => {
    if (process.getuid?.() !== 0) context.skip("missing: root")
  })

  test("each sandbox has a user of its own, and no sandbox a known one", async () => {
    const sandboxes = await Promise.all(Array.from({ length: 5 }, () => provider.create(specOf())))
    const uids = sandboxes.map(({ id }) => statSync(join(directory, id, "workspace")).uid)
    expect(new Set(uids).size).toBe(5)
    for (const uid of uids) expect(uid).toBeGreaterThanOrEqual(2 ** 20)
    await clear()
    expect(readdirSync(join(directory, ".uids"))).toEqual([])
  })

  test("a directory behind closed doors is mounted where it can be reached, for as long", async () => {
    const closed = mkdtempSync(join(tmpdir(), "berth-closed-"))
    const inner = createBubblewrapProvider({
      directory: join(closed, "in"),
      clock: testClock,
      logger: createTestLogger(),
    })
    const sandbox = await inner.create(specOf())
    const mounts = (): number => readFileSync("/proc/self/mountinfo", "utf8").split(sandbox.id).length - 1
    expect(await runScript(sandbox, "echo a >f; cat f; node -p 2")).toMatchObject({
      stdout: "a\n2\n",
      stderr: "",
    })
    expect(mounts()).toBeGreaterThan(0)
    await inner.destroy(sandbox.id)
    expect(mounts()).toBe(0)
    expect(await inner.list()).toEqual([])
    rmSync(closed, { recursive: true })
  })

  test("what is left open in this process stays out of sandboxes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "berth-leak-"))
    writeFileSync(join(folder, "secret"), "TOP SECRET\n")
    const fd = openSync(join(folder, "secret"), "r")
    // Node closes what it inherits up to the first gap above 15.
    const gap = Array<"ignore">(37).fill("ignore")
    const script = "for fd in $(seq 3 60); do readlink /proc/$$/fd/$fd; cat /proc/$$/fd/$fd; done; echo end"
    const child = spawn(process.execPath, [otherProcess, directory, "run", script], {
      stdio: ["ignore", "pipe", "inherit", ...gap, fd],
    })
    const { stdout } = await lineOf(child)
    expect(stdout).toMatch(/\/dev\/null\n[^]*end\n$/)
    expect(stdout).not.toContain("SECRET")
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })

  test("as nobody in particular: user namespaces alone, and stated", async () => {
    const nobody = 54_321
    const folder = mkdtempSync(join(tmpdir(), "berth-nobody-"))
    mkdirSync(join(folder, "in"))
    for (const path of [folder, join(folder, "in")]) chownSync(path, nobody, nobody)
    const script =
      "id -u; echo x >f; mkdir -m 000 locked; cat /etc/shadow; i=0; while [ $i -lt 100 ]; do sleep 9 & i=$((i+1)); done; echo all"
    const child = spawn(process.execPath, [otherProcess, join(folder, "in"), "run", script], {
      stdio: ["ignore", "pipe", "inherit"],
      uid: nobody,
      gid: nobody,
      cwd: "/",
    })
    const said = await lineOf(child)
    expect(said).toMatchObject({ files: ["f", "locked"], left: [], isolation: { user: "shared-uid" } })
    expect(said["isolation"]).toMatchObject({
      limits: { memory_mib: { mechanism: "polled" }, pids: { mechanism: "rlimit" } },
    })
    expect(said["stdout"]).toBe("1000\n")
    expect(said["stderr"]).toMatch(/shadow: No such file[^]*fork/)
    rmSync(folder, { recursive: true })
  })
})

test("what a killed process left before there was a record, or after, is removed when it is old", async () => {
  const kept = await provider.create(specOf())
  const old = new Date(Date.now() - 60_000)
  const folder = join(directory, "0".repeat(24))
  const fresh = join(directory, "1".repeat(24))
  const uids = ["1", "2"].map((uid) => join(directory, ".uids", uid))
  for (const path of [folder, fresh, ...uids]) mkdirSync(path)
  for (const path of [folder, uids[0] ?? ""]) utimesSync(path, old, old)
  expect((await provider.list()).map(({ id }) => id)).toContain(kept.id)
  expect([folder, fresh, ...uids].map((path) => existsSync(path))).toEqual([false, true, false, true])
  for (const path of [fresh, uids[1] ?? ""]) rmSync(path, { recursive: true })
})
