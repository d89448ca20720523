import { join } from "node:path"
import { eventLogSuite, leaseStoreSuite, type LogFixture } from "@berth/conformance"
import { AppError, type LogPage } from "@berth/core"
import type { ErrorCode } from "@berth/protocol"
import { afterAll, beforeAll } from "vitest"
import { bundleForWorkerd, startWorkerd, type Workerd } from "./workerd.test-support.ts"

let workerd: Workerd

beforeAll(async () => {
  const code = await bundleForWorkerd(join(import.meta.dirname, "log-object.test-support.ts"))
  workerd = await startWorkerd({ code, objectClass: "LogObject" })
})

afterAll(() => workerd.close())

interface Answer {
  readonly result?: unknown
  readonly error?: {
    readonly code: ErrorCode
    readonly message: string
    readonly details: Readonly<Record<string, unknown>> | null
  }
  readonly fault?: string
}

/** The ports, as calls to one Durable Object. */
function connect(name: string): Pick<LogFixture, "log" | "leases" | "advance"> {
  const call = async <Result>(method: string, ...values: readonly unknown[]): Promise<Result> => {
    const body = JSON.stringify({ method, arguments: values.map((value) => value ?? undefined) })
    const response = await fetch(`${workerd.url()}/${name}`, { method: "POST", body })
    const answer = (await response.json()) as Answer
    if (answer.fault !== undefined) throw new Error(answer.fault)
    if (answer.error === undefined) return answer.result as Result
    const { code, message, details } = answer.error
    throw new AppError(code, message, details === null ? {} : { details })
  }

  async function* tail(log: string, after: number, signal: AbortSignal): AsyncGenerator<LogPage> {
    const id = crypto.randomUUID()
    const leave = () => call("leaveTail", id)
    signal.addEventListener("abort", leave, { once: true })
    try {
      await call("tail", id, log, after)
      if (signal.aborted) return
      for (;;) {
        const page = await call<LogPage | null>("nextPage", id)
        if (page === null) return
        yield page
      }
    } finally {
      signal.removeEventListener("abort", leave)
      await leave()
    }
  }

  return {
    log: {
      create: (...values) => call("create", ...values),
      submit: (...values) => call("submit", ...values),
      append: (...values) => call("append", ...values),
      read: (...values) => call("read", ...values),
      state: (...values) => call("state", ...values),
      close: (...values) => call("close", ...values),
      archive: (...values) => call("archive", ...values),
      tail: (log, after, { signal }) => tail(log, after, signal),
    },
    leases: {
      claim: (...values) => call("claim", ...values),
      renew: (...values) => call("renew", ...values),
      release: (...values) => call("release", ...values),
      inspect: (...values) => call("inspect", ...values),
      listActive: (...values) => call("listActive", ...values),
    },
    advance: (ms) => call("advance", ms),
  }
}

async function open(): Promise<LogFixture> {
  const name = crypto.randomUUID()
  return {
    ...connect(name),
    async reopen() {
      await workerd.restart()
      return connect(name)
    },
    close: async () => {},
  }
}

const options = { runs: 20 }
eventLogSuite("durable object", open, options)
leaseStoreSuite("durable object", open, options)
