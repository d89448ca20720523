import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isAppError } from "@berth/core"
import type { BlobHash, ProjectId } from "@berth/protocol"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createFilesystemBlobStore } from "./blob-store.ts"

const project = "default" as ProjectId
const clock = { now: Date.now, sleep: async () => {} }
const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" as BlobHash

let directory = ""
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-blobs-"))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

function stream(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream()
}

test("a blob is a private file named by its hash", async () => {
  const blobs = await createFilesystemBlobStore({ directory, clock })
  await blobs.put(project, stream("hello"))
  const path = join(directory, "default", "2c", hello)
  expect(readFileSync(path, "utf8")).toBe("hello")
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(directory, ".tmp"))).toEqual([])
})

test("what a crash left half written is removed, and what stands stays", async () => {
  const first = await createFilesystemBlobStore({ directory, clock })
  await first.put(project, stream("hello"))
  writeFileSync(join(directory, ".tmp", "half"), "hel")
  const second = await createFilesystemBlobStore({ directory, clock })
  expect(readdirSync(join(directory, ".tmp"))).toEqual([])
  expect(await second.missing(project, [hello])).toEqual([])
})

test("what is no blob is left alone by sweep", async () => {
  const blobs = await createFilesystemBlobStore({ directory, clock })
  mkdirSync(join(directory, "default", "2c"), { recursive: true })
  writeFileSync(join(directory, "default", "2c", "README"), "mine")
  expect(await blobs.sweep(project, () => false)).toBe(0)
  expect(readFileSync(join(directory, "default", "2c", "README"), "utf8")).toBe("mine")
})

test("a full disk refuses, keeps no half, and takes again when there is room", async (context) => {
  const mount = (options: string) =>
    spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]).status === 0
  if (!mount("size=1m")) context.skip("missing: tmpfs mount")
  try {
    const blobs = await createFilesystemBlobStore({ directory, clock })
    const big = "x".repeat(2_000_000)
    const error: unknown = await blobs.put(project, stream(big)).catch((reason: unknown) => reason)
    expect(isAppError(error, "storage_full")).toBe(true)
    expect(readdirSync(join(directory, ".tmp"))).toEqual([])
    await blobs.put(project, stream("hello"))
    expect(mount("remount,size=8m")).toBe(true)
    expect((await blobs.put(project, stream(big))).size).toBe(2_000_000)
  } finally {
    spawnSync("umount", [directory])
  }
})
