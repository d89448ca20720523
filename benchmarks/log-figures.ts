// Append → reader latency, durable appends per second, and replay: Berth (fsync always on) against
// durable-streams' own server in its default in-memory mode, one after the other in the same run.
import { setTimeout as delay } from "node:timers/promises"
import { startChildServer } from "./load/child-server.ts"
import { berthWriter, floorWriter, peerWriter, type LogServer, type Writer } from "./load/log-writers.ts"
import { openSse } from "./load/sse-reader.ts"
import { median, quantile } from "./load/statistics.ts"
import type { NetConnectOpts } from "node:net"

/** Appends one at a time and waits until each is seen by a reader: milliseconds, one a sample. */
async function latency(
  writer: Writer,
  reader: { target: NetConnectOpts; path: string },
  samples: number,
): Promise<number[]> {
  let seen: (at: number) => void = () => {}
  let mark = ""
  let tail = ""
  const opened = await openSse(reader.target, reader.path, {}, (chunk) => {
    const now = performance.now()
    tail = (tail + chunk).slice(-4000)
    if (mark !== "" && tail.includes(mark)) seen(now)
  })
  await delay(200)
  const values: number[] = []
  for (let sample = 0; sample < samples; sample += 1) {
    mark = `mark-${sample}-`
    const arrival = new Promise<number>((resolve) => (seen = resolve))
    const startedAt = performance.now()
    const answer = writer.client.send(writer.next(mark))
    values.push((await arrival) - startedAt)
    const { status, body } = await answer
    if (status !== writer.expected) throw new Error(`append answered ${status}: ${body}`)
  }
  opened.close()
  return values.slice(samples / 5)
}

/** All writers at once for `ms`: appends a second. */
async function throughput(writers: readonly Writer[], ms: number): Promise<number> {
  const run = async (writer: Writer, until: number): Promise<number> => {
    let count = 0
    while (performance.now() < until) {
      const { status, body } = await writer.client.send(writer.next("t"))
      if (status !== writer.expected) throw new Error(`append answered ${status}: ${body}`)
      count += 1
    }
    return count
  }
  await Promise.all(writers.map((writer) => run(writer, performance.now() + ms / 4)))
  const startedAt = performance.now()
  const counts = await Promise.all(writers.map((writer) => run(writer, startedAt + ms)))
  const seconds = (performance.now() - startedAt) / 1000
  return counts.reduce((sum, count) => sum + count, 0) / seconds
}

async function replay(port: number, id: string, entries: number, query = ""): Promise<number> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    let tail = ""
    const path = `/api/sessions/${id}/sync${query}`
    openSse({ port, host: "127.0.0.1" }, path, {}, (chunk) => {
      tail = (tail + chunk).slice(-4000)
      if (!tail.includes("event: caught_up")) return
      resolve(performance.now() - startedAt)
    }).catch(reject)
  })
}

export async function logFigures(): Promise<Record<string, number>> {
  const rounds = 3
  const figures: Record<string, number[]> = {}
  const add = (name: string, value: number): void => void (figures[name] ??= []).push(value)
  for (let round = 0; round < rounds; round += 1) {
    const peer = await startChildServer<{ url: string }>("peer-server.ts")
    const url = new URL(peer.info.url)
    const peerWriters = await Promise.all(Array.from({ length: 32 }, (_, index) => peerWriter(url, index)))
    const [onePeer] = peerWriters
    if (onePeer === undefined) throw new Error("no writer")
    const peerReader = {
      target: { port: Number(url.port), host: url.hostname },
      path: "/streams/writer-0?offset=-1&live=sse",
    }
    const peerLatency = await latency(onePeer, peerReader, 500)
    const peerRate = await throughput(peerWriters, 3000)
    await peer.close()

    const floor = await startChildServer<{ port: number }>("floor-server.ts")
    const { port } = floor.info
    const floorWriters = await Promise.all(Array.from({ length: 32 }, (_, index) => floorWriter(port, index)))
    const [oneFloor] = floorWriters
    if (oneFloor === undefined) throw new Error("no writer")
    const floorReader = { target: { port, host: "127.0.0.1" }, path: "/" }
    const floorLatency = await latency(oneFloor, floorReader, 500)
    const floorRate = await throughput(floorWriters, 3000)
    await floor.close()

    const berth = await startChildServer<LogServer>("log-server.ts", [32])
    const berthWriters = await Promise.all(
      Array.from({ length: 32 }, (_, index) => berthWriter(berth.info, index)),
    )
    const [oneBerth] = berthWriters
    if (oneBerth === undefined) throw new Error("no writer")
    const berthReader = {
      target: { port: berth.info.port, host: "127.0.0.1" },
      path: "/api/sessions/writer-0/sync?after=latest",
    }
    const berthLatency = await latency(oneBerth, berthReader, 500)
    const berthRate = await throughput(berthWriters, 3000)
    await berth.close()

    add("peer append to reader p50 ms", median(peerLatency))
    add("peer append to reader p95 ms", quantile(peerLatency, 0.95))
    add("berth append to reader p50 ms", median(berthLatency))
    add("berth append to reader p95 ms", quantile(berthLatency, 0.95))
    add("floor append to reader p50 ms", median(floorLatency))
    add("append to reader, berth / floor", median(berthLatency) / median(floorLatency))
    add("floor durable appends/s", floorRate)
    add("appends/s, berth / floor", berthRate / floorRate)
    add("append to reader, berth / peer", median(berthLatency) / median(peerLatency))
    add("peer appends/s", peerRate)
    add("berth durable appends/s", berthRate)
    add("appends/s, berth / peer", berthRate / peerRate)
  }
  const long = await startChildServer<LogServer>("log-server.ts", [1, 0, 100_000])
  for (let round = 0; round < 5; round += 1)
    add("replay of 100,000 entries ms", await replay(long.info.port, "writer-0", 100_000))
  await long.close()
  return Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, median(values)]))
}

if (import.meta.main) console.table(await logFigures())
