import { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { expect, test } from "vitest"
import { gatewayLimits } from "../gateway-limits.ts"
import { holdBody, streamBody, type BodyMemory, type BodySource } from "./held-body.ts"

const ignore = (): void => undefined

function source(chunks: Iterable<Uint8Array>, headers: BodySource["headers"] = {}): BodySource {
  return Object.assign(Readable.from(chunks), { headers })
}

function memory(limitBytes: number): BodyMemory {
  return { heldBytes: 0, limitBytes }
}

const chunks = (count: number): Uint8Array[] => Array.from({ length: count }, () => Buffer.from("0123456789"))

test("holds a body once, shows it to who must see it, and gives its memory back as it is read", async () => {
  const [log, all] = [memory(100), memory(1_000)]
  const seen: Uint8Array[] = []
  const held = await holdBody(source(chunks(10)), [log, all], (chunk) => seen.push(chunk))
  expect([held.sizeBytes, log.heldBytes, all.heldBytes, seen.length]).toEqual([100, 100, 100, 10])
  expect(await text(held.read())).toBe("0123456789".repeat(10))
  expect([log.heldBytes, all.heldBytes]).toEqual([0, 0])
  held.release()
  expect([log.heldBytes, all.heldBytes]).toEqual([0, 0])
})

test("gives back what was never read", async () => {
  const all = memory(100)
  const held = await holdBody(source(chunks(3)), [all], ignore)
  held.release()
  held.release()
  expect(all.heldBytes).toBe(0)
})

test("refuses what does not fit beside the others, and keeps nothing of it", async () => {
  const [log, all] = [memory(1_000), memory(150)]
  const first = await holdBody(source(chunks(10)), [log, all], ignore)
  await expect(holdBody(source(chunks(6)), [log, all], ignore)).rejects.toMatchObject({ code: "unavailable" })
  expect([log.heldBytes, all.heldBytes]).toEqual([100, 100])
  first.release()
  await holdBody(source(chunks(6)), [log, all], ignore)
})

test("gives back what a body that breaks off had taken", async () => {
  const all = memory(100)
  function* broken(): Generator<Uint8Array> {
    yield* chunks(2)
    throw new Error("it broke off")
  }
  await expect(holdBody(source(broken()), [all], ignore)).rejects.toThrow("it broke off")
  expect(all.heldBytes).toBe(0)
})

test("no body may be larger than the limit, told or not", async () => {
  const limit = gatewayLimits.requestBodyBytes
  const large = Buffer.alloc(1024 * 1024)
  function* endless(): Generator<Uint8Array> {
    for (;;) yield large
  }
  const all = memory(Infinity)
  const told = source(chunks(1), { "content-length": String(limit + 1) })
  await expect(holdBody(told, [all], ignore)).rejects.toMatchObject({ code: "too_large" })
  await expect(holdBody(source(endless()), [all], ignore)).rejects.toMatchObject({ code: "too_large" })
  expect(all.heldBytes).toBe(0)
  let passed = 0
  const streamed = streamBody(source(endless()), (chunk) => (passed += chunk.length))
  await expect(streamed.resume().toArray()).rejects.toMatchObject({ code: "too_large" })
  expect(passed).toBe(limit)
})
