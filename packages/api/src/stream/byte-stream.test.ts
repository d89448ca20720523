import { createHttpPorts } from "@berth/conformance"
import { describe, expect, it } from "vitest"
import { createByteStream } from "./byte-stream.ts"
import { createHeartbeat } from "./heartbeat.ts"

const { logger } = createHttpPorts().api

function open(counts: number[] = []) {
  const { api, advance } = createHttpPorts()
  const heartbeat = createHeartbeat({
    clock: api.clock,
    intervalMs: 100,
    onCount: (count) => counts.push(count),
  })
  return { heartbeat, advance, counts }
}

const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

describe("createByteStream", () => {
  it("reads nothing that nobody asked for", async () => {
    let made = 0
    async function* source() {
      for (;;) {
        made += 1
        yield `chunk ${made}`
      }
    }
    const stream = createByteStream(source, { logger })
    expect(made).toBe(0)
    const reader = stream.getReader()
    for (let index = 1; index <= 3; index += 1) {
      expect(decode((await reader.read()).value)).toBe(`chunk ${index}`)
      expect(made).toBe(index)
    }
    await reader.cancel()
  })

  it("tells its source when the reader leaves", async () => {
    const { heartbeat, counts } = open()
    const signals: AbortSignal[] = []
    async function* source(signal: AbortSignal) {
      signals.push(signal)
      yield "one"
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))
    }
    const reader = createByteStream(source, { logger, heartbeat, beat: ":" }).getReader()
    await reader.read()
    const waiting = reader.read()
    await reader.cancel()
    expect((await waiting).done).toBe(true)
    expect(signals[0]?.aborted).toBe(true)
    expect(counts).toEqual([1, 0])
  })

  it("beats only for a reader that waits, and holds one beat at most", async () => {
    const { heartbeat, advance } = open()
    const gate: { open: () => void } = { open: () => {} }
    async function* source() {
      yield "one"
      await new Promise<void>((resolve) => (gate.open = resolve))
      yield "two"
    }
    const reader = createByteStream(source, { logger, heartbeat, beat: ":" }).getReader()
    expect(decode((await reader.read()).value)).toBe("one")
    const waiting = reader.read()
    await advance(100)
    expect(decode((await waiting).value)).toBe(":")
    for (let index = 0; index < 5; index += 1) await advance(100)
    expect(decode((await reader.read()).value)).toBe(":")
    const next = reader.read()
    gate.open()
    expect(decode((await next).value)).toBe("two")
    expect((await reader.read()).done).toBe(true)
  })

  it("breaks off with its source", async () => {
    const ports = createHttpPorts()
    async function* source() {
      yield "one"
      throw new Error("disk on fire")
    }
    const reader = createByteStream(source, { logger: ports.api.logger }).getReader()
    await reader.read()
    await expect(reader.read()).rejects.toThrow("disk on fire")
    expect(ports.errors).toHaveLength(1)
  })
})
