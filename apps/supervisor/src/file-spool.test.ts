import { appendFile, mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { createFileSpool } from "./file-spool.ts"
import { readUnsent } from "./read-unsent.ts"
import { hashContent } from "./system-runtime.ts"

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "spool-"))
})
afterEach(() => rm(directory, { recursive: true }))

const line = (n: number, text = "x") => ({ n, text: JSON.stringify({ text }) })
const numbers = async () => (await readUnsent(directory)).map(({ n }) => n)

describe("a file spool", () => {
  it("holds what was appended and not trimmed, in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 6 })), { maxLength: 30 }),
        async (steps) => {
          await rm(join(directory, "spool.ndjson"), { force: true })
          const spool = await createFileSpool(directory)
          let written = 0
          let trimmed = 0
          for (const [add, trim] of steps) {
            if (add > 0) await spool.append(Array.from({ length: add }, () => line((written += 1))))
            trimmed = Math.max(trimmed, Math.min(written, trimmed + trim))
            await spool.trim(trimmed)
          }
          const kept = (await numbers()).filter((n) => n > trimmed)
          expect(kept).toEqual(Array.from({ length: written - trimmed }, (_, index) => trimmed + 1 + index))
          spool.close()
        },
      ),
      { numRuns: 30 },
    )
  })

  it("does not grow while the log keeps up without ever having all", async () => {
    const spool = await createFileSpool(directory)
    const megabyte = "x".repeat(1024 * 1024)
    for (let n = 1; n <= 40; n += 1) {
      await spool.append([line(n, megabyte)])
      await spool.trim(n - 1)
    }
    expect((await stat(join(directory, "spool.ndjson"))).size).toBeLessThan(12 * 1024 * 1024)
    expect((await numbers()).at(-1)).toBe(40)
    spool.close()
    expect(await readdir(directory)).toEqual(["spool.ndjson"])
  })

  it("gives the last of two lines with one number, and passes over a torn one", async () => {
    const spool = await createFileSpool(directory)
    await spool.append([line(1, "old"), line(2)])
    await spool.append([line(1, "new")])
    spool.close()
    await appendFile(join(directory, "spool.ndjson"), '{"n":3,"body":{"te')
    expect(await readUnsent(directory)).toEqual([line(1, "new"), line(2)])
  })

  it("is empty where there never was one", async () => {
    expect(await readUnsent(join(directory, "none"))).toEqual([])
  })

  it("hands over the content of a last snapshot, or ends before it", async () => {
    const spool = await createFileSpool(directory)
    const content = new Blob(["tree"])
    const hash = await hashContent(content.stream())
    await spool.blobs.put(hash, content.stream())
    expect(await spool.blobs.missing([hash])).toEqual([])
    await spool.append([line(1), line(2, `snapshot ${hash}`)])
    spool.close()
    expect(await numbers()).toEqual([1])
    const seen: string[] = []
    const all = await readUnsent(directory, async (imported, stream) => {
      expect(await hashContent(stream)).toBe(imported)
      seen.push(imported)
    })
    expect(seen).toEqual([hash])
    expect(all.map(({ n }) => n)).toEqual([1, 2])
  })
})
