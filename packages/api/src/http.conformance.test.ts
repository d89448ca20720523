import { createRunnerAccess, createRunnerTokens } from "@berth/core"
import { createHttpPorts, httpRunnerSuite, httpSuite, type RunnerFixture } from "@berth/conformance"
import type { LogId } from "@berth/protocol"
import { expect } from "vitest"
import { createApi } from "./create-api.ts"
import { createInternalApi } from "./internal/create-internal-api.ts"

const local = { remoteAddress: "127.0.0.1", isLoopbackBind: true }
const baseUrl = "http://127.0.0.1:8787"

async function openServer(): Promise<RunnerFixture> {
  const ports = createHttpPorts()
  const { stores } = ports
  const api = createApi({
    ...ports.api,
    access: {
      mode: "loopback",
      corsOrigins: [],
      trustForwardedHeaders: false,
      cookieSecret: new Uint8Array(32).fill(1),
      requestsPerMinute: null,
    },
  })
  const runnerTokens = createRunnerTokens({ key: new Uint8Array(32).fill(2) })
  const runnerAccess = createRunnerAccess({ ...ports.api, leaseStore: stores.leases })
  const internal = createInternalApi({ ...ports.api, runnerAccess, runnerTokens })
  let generation = 0
  return {
    fetch: async (path, init) => api.fetch(new Request(`${baseUrl}${path}`, init), local),
    advance: ports.advance,
    report: async (body) => internal.request("http://internal/internal/reports", { method: "POST", body }),
    async trim(logId, upTo) {
      await stores.log.archive(logId as LogId, upTo)
    },
    async openRunner(logId) {
      const log = logId as LogId
      generation += 1
      const { epoch } = await stores.leases.claim(log, `runner/${generation}`, 15_000, { force: true })
      const token = await runnerTokens.issue({ log, generation, epoch })
      return {
        fetch: async (path, init = {}) => {
          const headers = new Headers(init.headers)
          if (!headers.has("authorization")) headers.set("authorization", `Bearer ${token}`)
          return internal.request(`http://internal/internal/logs/${log}${path}`, { ...init, headers })
        },
      }
    },
    close: async () => expect(ports.errors).toEqual([]),
  }
}

httpSuite("in this process, over memory", openServer)
httpRunnerSuite("in this process, over memory", openServer)
