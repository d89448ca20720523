import { isAppError, type LogPage } from "@berth/core"
// By the index, as a worker would: what is Node's own in it has to fall away.
import { createDurableObjectSql, createSqliteLog, type DurableObjectStorage } from "./index.ts"

/** A call as the suite's side sends it: the port's own arguments. */
interface Call {
  readonly method: string
  readonly arguments: readonly never[]
}

/**
 * A worker whose Durable Object answers calls of EventLog and LeaseStore over HTTP, so that their
 * suites drive the log where it will run. Each object is a store of its own.
 */
export class LogObject {
  private readonly call: (call: Call) => Promise<unknown>

  constructor(state: { readonly storage: DurableObjectStorage }) {
    let offsetMs = 0
    const { log, leases } = createSqliteLog({
      sql: createDurableObjectSql(state.storage),
      clock: { now: () => Date.now() + offsetMs, sleep: () => Promise.resolve() },
      schedule: queueMicrotask,
    })
    const tails = new Map<
      string,
      { readonly pages: AsyncIterator<LogPage>; readonly abort: AbortController }
    >()
    const methods: Readonly<Record<string, (...values: readonly never[]) => unknown>> = {
      ...log,
      ...leases,
      advance: (ms) => void (offsetMs += ms),
      tail(id, logId, after) {
        const abort = new AbortController()
        tails.set(id, { pages: log.tail(logId, after, abort)[Symbol.asyncIterator](), abort })
      },
      async nextPage(id) {
        const result = await tails.get(id)?.pages.next()
        return result?.done === false ? result.value : null
      },
      leaveTail(id) {
        tails.get(id)?.abort.abort()
        tails.delete(id)
      },
    }
    this.call = async ({ method, arguments: values }) => methods[method]?.(...values)
  }

  async fetch(request: Request): Promise<Response> {
    try {
      const result = await this.call(JSON.parse(await request.text()) as Call)
      return Response.json({ result: result ?? null })
    } catch (error) {
      if (!isAppError(error)) return Response.json({ fault: String(error) })
      const { code, message, details } = error
      return Response.json({ error: { code, message, details: details ?? null } })
    }
  }
}

interface Environment {
  readonly LOG: {
    idFromName(name: string): unknown
    get(id: unknown): { fetch(request: Request): Promise<Response> }
  }
}

const worker = {
  /** `/<name of the object>` */
  fetch(request: Request, env: Environment): Promise<Response> {
    const { pathname } = new URL(request.url)
    return env.LOG.get(env.LOG.idFromName(pathname)).fetch(request)
  },
}
// The runtime looks for the default export.
// oxlint-disable-next-line import/no-default-export
export { worker as default }
