import { setInterval as every } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApiClient, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { openRawReader } from "../support/raw-reader.ts"
import { residentMib } from "../support/resident-memory.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { outcomeOf } from "../support/turns.ts"

const streamed = 20_000
/** 16 MB in all: more than the kernel holds between two sockets. */
const padding = 500
const growthMib = 40
const manyReaders = 1_000

describe("readers, slow and many", () => {
  let server: ServerProcess
  let api: ApiClient
  beforeAll(async () => {
    // With room to spare V8 collects late, and what it lets lie around would be measured.
    const env = { BERTH_LOG_LEVEL: "warn", NODE_OPTIONS: "--max-old-space-size=128 --max-semi-space-size=4" }
    server = await startServerProcess({ env })
    api = createApiClient(server.url)
  })
  afterAll(() => server.stop())

  it(`a reader that stops costs no memory and delays nobody, and gets all ${streamed} entries`, async () => {
    // What the server itself needs for such a stream, buffers of the runtime included.
    await stream(async () => {})
    const warm = await stream(async () => {})
    const before = residentMib(server.pid())
    const stopped = await stream((id) => openRawReader(server.url, id, { readAhead: false }))
    expect(stopped.peakMib - before).toBeLessThan(growthMib)
    // A reader beside it is as quick as one that is alone.
    expect(stopped.fastLagMs).toBeLessThan(warm.fastLagMs + 500)
    expect(stopped.durationMs).toBeLessThan(warm.durationMs * 2 + 1_000)
    const slow = stopped.result
    expect(slow.seqs.length).toBeLessThan(stopped.headSeq)
    slow.resume()
    await slow.until(stopped.headSeq)
    expect(slow.seqs).toEqual(oneTo(slow.seqs.length))
    slow.close()
    expect(residentMib(server.pid()) - before).toBeLessThan(growthMib)
  })

  it(`${manyReaders} readers of one session get all of it`, async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    const readers = await Promise.all(
      Array.from({ length: manyReaders }, () => openRawReader(server.url, id)),
    )
    const seq = await api.prompt(id, "stream 200 1")
    expect(await outcomeOf(api, id, seq)).toBe("completed")
    const { head_seq: head } = (await api.call("GET", `/api/sessions/${id}`)).body
    await Promise.all(readers.map((reader) => reader.until(Number(head))))
    const wanted = oneTo(readers[0]?.seqs.length ?? 0)
    expect(wanted.length).toBeGreaterThan(200)
    for (const reader of readers) {
      expect(reader.seqs.slice(0, wanted.length)).toEqual(wanted.slice(0, reader.seqs.length))
      reader.close()
    }
    expect((await api.call("GET", "/health")).body).toMatchObject({ status: "healthy" })
  })

  /** One turn of `streamed` entries with a fast reader, and what `beside` opened. */
  async function stream<Result>(beside: (id: string) => Promise<Result>) {
    const { id } = await api.createSession({ agent: drillAgent })
    const fast = await openRawReader(server.url, id)
    const result = await beside(id)
    const sampling = new AbortController()
    const peak = peakMib(server.pid(), sampling.signal)
    const startedAt = Date.now()
    const seq = await api.prompt(id, `stream ${streamed} 100 ${padding}`)
    expect(await outcomeOf(api, id, seq, 60_000)).toBe("completed")
    const endedAt = Date.now()
    const headSeq = Number((await api.call("GET", `/api/sessions/${id}`)).body["head_seq"])
    await fast.until(headSeq)
    const fastLagMs = Date.now() - endedAt
    sampling.abort()
    expect(fast.seqs).toEqual(oneTo(fast.seqs.length))
    fast.close()
    return { result, headSeq, fastLagMs, durationMs: endedAt - startedAt, peakMib: await peak }
  }
})

async function peakMib(pid: number, signal: AbortSignal): Promise<number> {
  let peak = residentMib(pid)
  try {
    for await (const _ of every(50, null, { signal })) peak = Math.max(peak, residentMib(pid))
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return peak
}

function oneTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
