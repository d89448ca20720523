import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { hostname, networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { runProgram, sandboxFolder } from "../support/hostile-programs.ts"
import { residentMib } from "../support/resident-memory.ts"
import { startServerProcess, supervisorPids, type ServerProcess } from "../support/server-process.ts"
import { outcomeOf } from "../support/turns.ts"

const secrets = {
  key: "drill-secret-of-the-operator",
  file: "drill-secret-in-a-file",
  variable: "drill-secret-in-a-variable",
  host: "drill-secret-of-the-host",
}
const port80 = `127.${77 + (process.pid % 100)}.${1 + (process.pid % 250)}.9`

describe("a sandbox that tries to get out", () => {
  let server: ServerProcess
  let api: ApiClient
  /** What the operator's model would be, and a service on the host's loopback, at a port that is allowed. */
  let upstream: Listener
  let local: Listener
  let victim: { readonly id: string; readonly log_id: string }
  let hostFile = ""
  beforeAll(async () => {
    upstream = await listen("127.0.0.1", 0)
    local = await listen(port80, 80)
    server = await startServerProcess({
      env: {
        ANTHROPIC_API_KEY: secrets.key,
        BERTH_UPSTREAM_ANTHROPIC_URL: `http://127.0.0.1:${upstream.port}`,
        DRILL_SECRET: secrets.key,
      },
    })
    api = createApiClient(server.url)
    hostFile = join(tmpdir(), `berth-drill-${process.pid}`)
    writeFileSync(hostFile, secrets.host, { mode: 0o644 })
    const env = { VARIABLE: secrets.variable }
    victim = await api.createSession({ agent: "shell", permissions: "auto", env })
    const seq = await api.prompt(victim.id, `echo ${secrets.file} > secret.txt`)
    await outcomeOf(api, victim.id, seq)
  })
  afterAll(async () => {
    await server.stop()
    rmSync(hostFile)
    upstream.server.close()
    local.server.close()
  })

  it("reads, writes and reaches nothing that is not its own", async () => {
    const { dataDirectory } = server
    const { id, log_id } = await api.createSession({ agent: "shell", permissions: "auto", network: "all" })
    const sockets = join(dataDirectory, "run")
    const others = readdirSync(sockets, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".sock"),
    )
    const port = Number(new URL(server.url).port)
    const hostAddresses = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).map(({ address }) => address),
    )
    const wishes = {
      secrets: Object.values(secrets).map((secret) => secret.split("-")),
      paths: [
        dataDirectory,
        ...["secret.key", "berth.sqlite", "runners", "sandboxes", "blobs", "gateway", "run"].map((name) =>
          join(dataDirectory, name),
        ),
        sandboxFolder(dataDirectory, victim.log_id),
        join(sandboxFolder(dataDirectory, victim.log_id), "workspace/secret.txt"),
        hostFile,
        "/root",
        "/boot",
        "/var/log",
      ],
      pids: [server.pid(), process.pid, ...supervisorPids(dataDirectory)],
      addresses: [
        ...["127.0.0.1", "::1", ...hostAddresses].map((host) => ({ host, port })),
        ...["169.254.169.254", "10.0.0.1", "192.168.0.1", port80, "1.1.1.1"].map((host) => ({
          host,
          port: 80,
        })),
      ],
      tunnels: tunnelsTo(port80, port, hostAddresses),
      upstreamPaths: [
        "/anthropic/v1/organizations",
        "/anthropic/v1/messages/../organizations",
        "/anthropic/v1/%2e%2e/v1/organizations",
        "/anthropic/v1/messages%2f..%2f..%2forganizations",
        "/anthropic//v1/organizations",
        "/anthropic/v1/models",
        "/openai/v1/files",
        "/../../secret.key",
        "/internal/reports",
        "/",
      ],
      sockets: others.map((path) => join(sockets, path)),
    }
    const seq = await api.prompt(id, runProgram("probe.js", wishes))
    expect(await outcomeOf(api, id, seq, 60_000)).toBe("completed")
    const results = readResults(sandboxFolder(dataDirectory, log_id))
    expect(Object.keys(results).length).toBeGreaterThan(150)
    const traps = Object.entries(results).filter(([name]) => name !== "trap")
    expect(traps.filter(([, result]) => !String(result).startsWith("refused"))).toEqual([])
    expect(local.connections()).toBe(0)
    expect(upstream.connections()).toBe(0)
    // Its snapshot met symlinks to all of that, and a FIFO.
    await api.waitFor(id, (entry) => isNotification(entry, "_berth/snapshot"), { after: seq })
    expect(leaksIn(join(dataDirectory, "blobs"), [secrets.key, secrets.host])).toEqual([])
    await expectUnharmed(id)
  })

  it("gains nothing by abusing its tools or swapping files while they are read", async () => {
    const { id, log_id } = await api.createSession({ agent: "shell", permissions: "auto" })
    const seq = await api.prompt(id, runProgram("tools.js", { hostFile }))
    expect(await outcomeOf(api, id, seq, 60_000)).toBe("completed")
    const results = readResults(sandboxFolder(server.dataDirectory, log_id))
    expect(results["published"]).toBeGreaterThan(0)
    expect(results).toMatchObject({ hugeIsCut: true, crowdIsCut: true, floodAnswers: 150 })
    // 64 MiB in one line, and all the rest, were not kept.
    const [supervisor] = supervisorPids(server.dataDirectory, log_id)
    expect(residentMib(supervisor ?? 0)).toBeLessThan(300)
    const taken = Object.entries(results).filter(([, text]) => String(text).startsWith("Published"))
    expect(taken).toEqual([])
    // The flipper still runs: three more snapshots under its hands.
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await outcomeOf(api, id, await api.prompt(id, "sleep 0.1"))).toBe("completed")
    }
    await expect.poll(async () => snapshotsOf(await api.log(id)), { timeout: 15_000 }).toBeGreaterThan(2)
    expect(leaksIn(join(server.dataDirectory, "blobs"), [secrets.key, secrets.host])).toEqual([])
    const log = await api.log(id)
    const forged = log.filter(
      (entry) => JSON.stringify(entry).includes("forged") && entry.origin !== "client",
    )
    expect(forged.filter((entry) => !isNotification(entry, "session/update"))).toEqual([])
    const questions = log.filter((entry) => isNotification(entry, "_berth/question"))
    expect(
      questions.every(
        (entry) =>
          entry.origin === "sandbox" && isNotification(entry, "_berth/question", { kind: "checkpoint" }),
      ),
    ).toBe(true)
    expect(questions.length).toBeLessThanOrEqual(100)
    await expectUnharmed(id)
  })

  /** The server is well, and both the hostile session and its neighbour take the next prompt. */
  async function expectUnharmed(id: string): Promise<void> {
    expect((await api.call("GET", "/health")).body).toMatchObject({ status: "healthy" })
    const seqs = await Promise.all([id, victim.id].map((each) => api.prompt(each, "echo still here")))
    expect(await outcomeOf(api, id, seqs[0] ?? 0)).toBe("completed")
    expect(await outcomeOf(api, victim.id, seqs[1] ?? 0)).toBe("completed")
    expect(JSON.stringify(await api.log(id))).not.toContain(secrets.host)
  }
})

/** Every way there is to name an address of the host to a proxy. */
function tunnelsTo(address: string, serverPort: number, hostAddresses: readonly string[]): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number)
  const number = ((a * 256 + b) * 256 + c) * 256 + d
  const hex = (value: number): string => value.toString(16).padStart(2, "0")
  const mapped = `${hex(a)}${hex(b)}:${hex(c)}${hex(d)}`
  const forms = [
    address,
    String(number),
    `0x${number.toString(16)}`,
    `0${a.toString(8)}.${b}.${c}.${d}`,
    `0x${hex(a)}.${b}.${c * 256 + d}`,
    `[::ffff:${address}]`,
    `[::ffff:${mapped}]`,
    `[::${mapped}]`,
    `[64:ff9b::${mapped}]`,
    `[2002:${mapped}::]`,
    `${address}.`,
    address.replaceAll(".", "\u3002"),
    "localhost",
    "localhost.",
    "LOCALHOST",
    "127.0.0.1",
    "127.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "localtest.me",
    "127.0.0.1.nip.io",
    hostname(),
    ...hostAddresses.map((host) => (host.includes(":") ? `[${host}]` : host)),
    "169.254.169.254",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "10.0.0.1",
    "172.17.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "user@127.0.0.1",
  ]
  return forms.flatMap((form) => [`${form}:80`, `${form}:${serverPort}`])
}

interface Listener {
  readonly server: Server
  readonly port: number
  readonly connections: () => number
}

function listen(host: string, port: number): Promise<Listener> {
  let count = 0
  const server = createServer((socket) => {
    count += 1
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
  })
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host, port }, () => {
      const address = server.address()
      const bound = typeof address === "object" && address !== null ? address.port : 0
      resolve({ server, port: bound, connections: () => count })
    })
  })
}

function readResults(folder: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(folder, "workspace/results.json"), "utf8")) as Record<string, unknown>
}

function snapshotsOf(entries: readonly Parameters<typeof isNotification>[0][]): number {
  return entries.filter((entry) => isNotification(entry, "_berth/snapshot")).length
}

/** Files below `root` that hold one of the texts. */
function leaksIn(root: string, texts: readonly string[]): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.startsWith(".tmp"))
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
    .filter((path) => {
      const content = readFileSync(path, "latin1")
      return texts.some((text) => content.includes(text))
    })
}
