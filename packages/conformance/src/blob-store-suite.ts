import type { BlobStore } from "@berth/core"
import type { BlobHash, ProjectId } from "@berth/protocol"
import fc from "fast-check"
import { expect } from "vitest"
import { defineSuite, refusal, type Fixture, type SuiteOptions, type SuiteTests } from "./define-suite.ts"

export interface BlobFixture extends Fixture {
  readonly blobs: BlobStore
  /** Moves the store's clock forward. */
  advance(ms: number): Promise<void>
}

export function blobStoreSuite(
  name: string,
  open: () => Promise<BlobFixture>,
  options: SuiteOptions = {},
): void {
  defineSuite(`BlobStore: ${name}`, blobStoreTests, open, options)
}

const project = "default" as ProjectId
const other = "other" as ProjectId
const hourMs = 3_600_000
const unknown = "0".repeat(64) as BlobHash
const none = (): boolean => false

const blobStoreTests: SuiteTests<BlobFixture> = {
  "what was put is got back, by its sha-256": async ({ blobs }) => {
    const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    expect(await blobs.put(project, streamOf("hel", "lo"))).toEqual({ hash: hello, size: 5 })
    const found = await blobs.get(project, hello as BlobHash)
    expect(found?.size).toBe(5)
    expect(await textOf(found?.content)).toBe("hello")
  },

  "an empty blob is a blob": async ({ blobs }) => {
    const { hash, size } = await blobs.put(project, streamOf())
    expect([hash, size]).toEqual(["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0])
    const found = await blobs.get(project, hash)
    expect([found?.size, await textOf(found?.content)]).toEqual([0, ""])
  },

  "an absent blob is null": async ({ blobs }) => {
    expect(await blobs.get(project, unknown)).toBeNull()
  },

  "put again is no change": async ({ blobs }) => {
    const first = await blobs.put(project, streamOf("a"))
    expect(await blobs.put(project, streamOf("a"))).toEqual(first)
    expect(await textOf((await blobs.get(project, first.hash))?.content)).toBe("a")
  },

  "many puts of one content at once": async ({ blobs }) => {
    const content = "x".repeat(200_000)
    const puts = Array.from({ length: 20 }, () => blobs.put(project, streamOf(content)))
    const hashes = new Set((await Promise.all(puts)).map(({ hash }) => hash))
    expect(hashes.size).toBe(1)
    const [hash = unknown] = hashes
    expect(await textOf((await blobs.get(project, hash))?.content)).toBe(content)
  },

  "a range is cut from the whole": async ({ blobs }) => {
    const { hash } = await blobs.put(project, streamOf("0123456789"))
    const read = async (start: number, end?: number) => {
      const found = await blobs.get(project, hash, end === undefined ? { start } : { start, end })
      expect(found?.size).toBe(10)
      return textOf(found?.content)
    }
    expect(await read(0)).toBe("0123456789")
    expect(await read(3, 7)).toBe("3456")
    expect(await read(8)).toBe("89")
    expect(await read(8, 1_000)).toBe("89")
    expect(await read(10)).toBe("")
    expect(await read(50, 60)).toBe("")
    expect(await read(4, 4)).toBe("")
  },

  "any bytes and any range": async ({ blobs }, runs) => {
    const bytes = fc.uint8Array({ maxLength: 5_000 })
    const check = fc.asyncProperty(bytes, fc.nat(5_000), fc.nat(5_000), async (content, one, two) => {
      const [start, end] = [Math.min(one, two), Math.max(one, two)]
      const half = Math.floor(content.byteLength / 2)
      const chunks = [content.slice(0, half), content.slice(half)]
      const { hash, size } = await blobs.put(project, streamOfBytes(chunks))
      expect(size).toBe(content.byteLength)
      const found = await blobs.get(project, hash, { start, end })
      expect(await bytesOf(found?.content)).toEqual(content.slice(start, end))
    })
    await fc.assert(check, { numRuns: runs })
  },

  "another content than the one expected is refused and not kept": async ({ blobs }) => {
    const { hash } = await blobs.put(other, streamOf("a"))
    await refusal(blobs.put(project, streamOf("b"), { expected: hash }), "bad_request")
    expect(await blobs.missing(project, [hash])).toEqual([hash])
    const kept = await blobs.put(project, streamOf("a"), { expected: hash })
    expect(kept.hash).toBe(hash)
  },

  "more than maxBytes is refused and not kept, as soon as it shows": async ({ blobs }) => {
    const { hash } = await blobs.put(other, streamOf("1234567890"))
    await refusal(blobs.put(project, streamOf("12345", "67890"), { maxBytes: 9 }), "too_large")
    expect(await blobs.missing(project, [hash])).toEqual([hash])
    expect((await blobs.put(project, streamOf("12345", "67890"), { maxBytes: 10 })).size).toBe(10)
    let isCancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
      cancel: () => void (isCancelled = true),
    })
    await refusal(blobs.put(project, endless, { maxBytes: 10_000 }), "too_large")
    expect(isCancelled).toBe(true)
  },

  "a stream that breaks keeps nothing": async ({ blobs }) => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode("a"))
        controller.error(new Error("the sender went away"))
      },
    })
    await expect(blobs.put(project, broken)).rejects.toThrow("the sender went away")
    const { hash } = await blobs.put(other, streamOf("a"))
    expect(await blobs.missing(project, [hash])).toEqual([hash])
  },

  "projects do not see each other's": async ({ blobs }) => {
    const { hash } = await blobs.put(project, streamOf("secret"))
    expect(await blobs.get(other, hash)).toBeNull()
    expect(await blobs.missing(other, [hash])).toEqual([hash])
    await blobs.sweep(other, none)
    expect(await blobs.get(project, hash)).not.toBeNull()
  },

  "a name that leads elsewhere is refused": async ({ blobs }) => {
    for (const name of ["../x", "..", ".", "", "a/b", "a\0", "/etc", ".tmp"]) {
      const hostile = name as ProjectId
      await refusal(blobs.put(hostile, streamOf("a")), "bad_params")
      await refusal(blobs.get(hostile, unknown), "bad_params")
      await refusal(blobs.missing(hostile, [unknown]), "bad_params")
      await refusal(blobs.sweep(hostile, none), "bad_params")
    }
    for (const hash of ["../../x", "", "0".repeat(63), "F".repeat(64)]) {
      await refusal(blobs.get(project, hash as BlobHash), "bad_params")
      await refusal(blobs.missing(project, [hash as BlobHash]), "bad_params")
    }
  },

  "missing names those that are not there": async ({ blobs }) => {
    const { hash: one } = await blobs.put(project, streamOf("1"))
    const { hash: two } = await blobs.put(project, streamOf("2"))
    expect(await blobs.missing(project, [one, unknown, two])).toEqual([unknown])
    expect(await blobs.missing(project, [])).toEqual([])
  },

  "sweep removes what is dead and an hour old": async (fixture) => {
    const { blobs } = fixture
    const { hash: dead } = await blobs.put(project, streamOf("dead"))
    const { hash: live } = await blobs.put(project, streamOf("live"))
    const { hash: elsewhere } = await blobs.put(other, streamOf("dead"))
    expect(await blobs.sweep(project, none)).toBe(0)
    await fixture.advance(hourMs + 1_000)
    const { hash: young } = await blobs.put(project, streamOf("young"))
    expect(await blobs.sweep(project, (hash) => hash === live)).toBe(1)
    expect(await blobs.missing(project, [dead, live, young])).toEqual([dead])
    expect(await blobs.missing(other, [elsewhere])).toEqual([])
    expect(await blobs.sweep("empty" as ProjectId, none)).toBe(0)
  },

  "who asked for a blob has an hour to refer to it": async (fixture) => {
    const { blobs } = fixture
    const texts = ["asked", "put again", "read", "forgotten"]
    const hashes: BlobHash[] = []
    for (const text of texts) hashes.push((await blobs.put(project, streamOf(text))).hash)
    const [asked = unknown, , read = unknown, forgotten = unknown] = hashes
    await fixture.advance(hourMs - 60_000)
    await blobs.missing(project, [asked])
    await blobs.put(project, streamOf("put again"))
    await textOf((await blobs.get(project, read))?.content)
    await fixture.advance(120_000)
    expect(await blobs.sweep(project, none)).toBe(1)
    await fixture.advance(hourMs - 300_000)
    expect(await blobs.sweep(project, none)).toBe(0)
    expect(await blobs.missing(project, hashes)).toEqual([forgotten])
  },

  "a stream that is not read to its end may be left": async ({ blobs }) => {
    const { hash } = await blobs.put(project, streamOf("x".repeat(2_000_000)))
    const unread = await blobs.get(project, hash)
    const begun = await blobs.get(project, hash)
    const reader = begun?.content.getReader()
    await reader?.read()
    await reader?.cancel()
    await unread?.content.cancel()
    expect(await textOf((await blobs.get(project, hash, { start: 1_999_999 }))?.content)).toBe("x")
  },
}

function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return streamOfBytes(chunks.map((chunk) => new TextEncoder().encode(chunk)))
}

function streamOfBytes(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

async function bytesOf(content: ReadableStream<Uint8Array> | undefined): Promise<Uint8Array> {
  if (content === undefined) throw new Error("the blob is absent")
  return new Uint8Array(await new Response(content as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
}

async function textOf(content: ReadableStream<Uint8Array> | undefined): Promise<string> {
  return new TextDecoder().decode(await bytesOf(content))
}
