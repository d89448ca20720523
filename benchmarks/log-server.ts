// Berth's own log, with nothing that could make noise: the API, the internal listener and the SQLite stores
// as the server composes them, without supervisors. Leases for `writers` logs are taken ahead.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate as soon } from "node:timers"
import { createApi } from "@berth/api"
import { createHead, createRunnerAccess, createRunnerTokens, type SessionRecord } from "@berth/core"
import { createFilesystemBlobStore } from "@berth/filesystem"
import type { LogId, ProjectId, SessionId } from "@berth/protocol"
import { createSqliteStores, importSecretsKey, openDatabase } from "@berth/sqlite"
import { createInternalListener } from "../apps/server/src/internal-listener.ts"
import { listenOn, portOf } from "../apps/server/src/listen.ts"
import { createPublicListener } from "../apps/server/src/public-listener.ts"
import { createIds, systemClock as clock } from "../apps/server/src/runtime.ts"

const writers = Number(process.argv[2] ?? 32)
const extraSessions = Number(process.argv[3] ?? 0)
const longLogEntries = Number(process.argv[4] ?? 0)
const directory = process.argv[5] ?? mkdtempSync(join(tmpdir(), "berth-bench-"))
const key = new Uint8Array(32).fill(7)
const ids = createIds()
const { sql } = openDatabase({ path: join(directory, "berth.sqlite") })
const stores = createSqliteStores({
  sql,
  clock,
  ids,
  schedule: (work) => void soon(work),
  secretsKey: await importSecretsKey(key),
})
const blobStore = await createFilesystemBlobStore({ directory: join(directory, "blobs"), clock })
const orchestrator = { wake: () => {} }
const logger = { debug() {}, info() {}, warn: console.error, error: console.error }
const runnerTokens = createRunnerTokens({ key })
const ports = {
  eventLog: stores.log,
  sessionStore: stores.sessions,
  keyStore: stores.keys,
  blobStore,
  orchestrator,
  clock,
  ids,
  logger,
}
const runnerAccess = createRunnerAccess({ ...ports, leaseStore: stores.leases })

const limit = { value: 1, mechanism: "none" } as const
const isolation = {
  level: "none",
  user: "none",
  seccomp: false,
  limits: { memory_mib: limit, cpu: limit, pids: limit, disk_mib: limit },
} as const
const api = createApi({
  ...ports,
  version: "bench",
  agents: { list: async () => [] },
  allowCustomAgents: true,
  access: {
    mode: "loopback",
    corsOrigins: [],
    trustForwardedHeaders: false,
    cookieSecret: key,
    requestsPerMinute: null,
  },
  health: async () => ({ isolation, survivesRestart: true, checks: {} }),
  metrics: async () => ({ contentType: "text/plain", text: "" }),
})

const record = (id: string): SessionRecord => ({
  project: "default" as ProjectId,
  id: id as SessionId,
  log: `log_${ids.next()}` as LogId,
  createdAt: new Date(clock.now()).toISOString(),
  updatedAt: new Date(clock.now()).toISOString(),
  spec: {
    agent: "shell",
    model: null,
    mode: null,
    instructions: null,
    permissions: "auto",
    trustWorkspace: false,
    network: "none",
    budget: null,
    idleTimeoutMs: 1_800_000,
    permissionHoldMs: 600_000,
    title: null,
    metadata: {},
    envNames: [],
    limits: { memoryMib: 512, cpu: 1, pids: 64, diskMib: 512 },
  },
})

const make = async (id: string): Promise<SessionRecord> => {
  const session = record(id)
  await stores.sessions.insert(session)
  await stores.log.create(session.log, createHead(session.id))
  return session
}

const sessions = await Promise.all(Array.from({ length: writers }, (_, index) => make(`writer-${index}`)))
const claimed = await Promise.all(
  sessions.map(async ({ id, log }) => {
    const { epoch } = await stores.leases.claim(log, "bench", 3_600_000)
    return { id, log, token: await runnerTokens.issue({ log, generation: 1, epoch }) }
  }),
)
for (let start = 0; start < extraSessions; start += 500) {
  const count = Math.min(500, extraSessions - start)
  await Promise.all(Array.from({ length: count }, (_, index) => make(`idle-${start + index}`)))
}
const [first] = sessions
if (first !== undefined && longLogEntries > 0) {
  const body = {
    origin: "sandbox",
    body: {
      type: "notification",
      notification: {
        jsonrpc: "2.0",
        method: "session/update",
        params: {
          sessionId: first.id,
          update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: "x".repeat(80) } },
        },
      },
    },
  } as const
  const { epoch } = await stores.leases.inspect(first.log)
  for (let start = 0; start < longLogEntries; start += 2000) {
    const count = Math.min(2000, longLogEntries - start)
    await stores.log.append(
      first.log,
      epoch,
      Array.from({ length: count }, () => body),
    )
  }
}

const socket = join(directory, "server.sock")
await listenOn(createInternalListener({ ...ports, runnerAccess, runnerTokens }), { socket })
const listening = await listenOn(createPublicListener(api, { isLoopbackBind: true }), {
  host: "127.0.0.1",
  port: 0,
})
process.stdout.write(
  `${JSON.stringify({ port: portOf(listening.server), socket, directory, writers: claimed })}\n`,
)
process.stdin.resume()
process.stdin.once("end", () => process.exit(0))
