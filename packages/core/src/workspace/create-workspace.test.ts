import type { BlobHash } from "@berth/protocol"
import fc from "fast-check"
import { expect, test } from "vitest"
import { isAppError } from "../errors/app-error.ts"
import { createWorkspace, type WorkspaceOptions } from "./create-workspace.ts"
import {
  createMemoryBlobs,
  createMemoryTree,
  hashContent,
  type MemoryTree,
} from "./memory-tree.test-support.ts"
import { readManifest } from "./restore-snapshot.ts"

function setUp(options: Partial<WorkspaceOptions> = {}) {
  const clock = { time: 0, now: () => clock.time }
  const tree = createMemoryTree()
  const blobs = createMemoryBlobs()
  const open = (files: MemoryTree) =>
    createWorkspace({
      files: files.port,
      blobs: blobs.port,
      memory: [".agent/**"],
      hashContent,
      clock,
      ...options,
    })
  return { clock, tree, blobs, open, workspace: open(tree) }
}

const name = fc.stringMatching(/^[a-zé ]{1,3}$/)
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"))
const mode = fc.integer({ min: 0, max: 0o777 })
const node = fc.oneof(
  fc.record({ kind: fc.constant("file" as const), content: fc.uint8Array({ maxLength: 300 }), mode }),
  fc.record({ kind: fc.constant("directory" as const), mode }),
  fc.record({ kind: fc.constant("symlink" as const), target: name }),
)

test("snapshot, restore, snapshot is the identity", async () => {
  const trees = fc.dictionary(path, node, { maxKeys: 12 })
  await fc.assert(
    fc.asyncProperty(trees, trees, async (workspaceNodes, memoryNodes) => {
      const { tree, open, workspace, clock } = setUp()
      const roots = { workspace: workspaceNodes, home: memoryNodes }
      for (const root of ["workspace", "home"] as const) {
        for (const [inner, item] of Object.entries(roots[root])) {
          const at = root === "home" ? `.agent/${inner}` : inner
          const isBlocked = at.split("/").some((_, index, names) => {
            const above = tree.nodes[root].get(names.slice(0, index).join("/"))
            return above !== undefined && above.kind !== "directory"
          })
          if (isBlocked || tree.nodes[root].has(at)) continue
          if (item.kind === "file") tree.put(root, at, item.content, item.mode)
          if (item.kind === "directory") tree.putOther(root, at, "directory", item.mode)
          if (item.kind === "symlink") tree.putLink(root, at, item.target)
        }
      }
      const first = await workspace.snapshot()
      expect(first).toMatchObject({ fuzzy: false, skippedCount: 0 })

      const replaced = createMemoryTree()
      const second = open(replaced)
      expect(await second.restore(first.manifest)).toMatchObject({ files: first.files, skippedCount: 0 })
      for (const root of ["workspace", "home"] as const) {
        const shape = (from: MemoryTree) =>
          new Map([...from.nodes[root]].map(([at, { stamp: _, ...rest }]) => [at, rest]))
        expect(shape(replaced)).toEqual(shape(tree))
      }
      clock.time += 1_000
      expect(await second.snapshot()).toEqual(first)
      expect(replaced.reads).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test("only what changed is read and only what is missing is sent", async () => {
  const { tree, blobs, workspace, clock } = setUp()
  for (let index = 0; index < 1_000; index += 1) tree.put("workspace", `f${index}`, `content ${index % 600}`)
  await workspace.snapshot()
  expect(blobs.puts).toHaveLength(601)

  // Read in the tick in which they were first seen: they might have changed once more under the same stamp.
  clock.time += 1_000
  tree.reads = []
  blobs.puts.length = 0
  await workspace.snapshot()
  expect(tree.reads).toHaveLength(1_000)
  expect(blobs.puts).toEqual([])

  clock.time += 1_000
  tree.reads = []
  tree.put("workspace", "f5", "new")
  tree.put("workspace", "f6", "content 7")
  blobs.puts.length = 0
  blobs.asked.length = 0
  const { files } = await workspace.snapshot()
  expect(files).toBe(1_000)
  expect(tree.reads.toSorted()).toEqual(["f5", "f6"])
  expect(blobs.puts).toHaveLength(2)
  expect(blobs.asked).toHaveLength(2)
})

test("after a while the store is asked again, and what it lost is sent again", async () => {
  const { tree, blobs, workspace, clock } = setUp()
  tree.put("workspace", "a", "one")
  await workspace.snapshot()
  clock.time += 1_000
  await workspace.snapshot()
  clock.time += 31 * 60_000
  blobs.content.clear()
  blobs.puts.length = 0
  const { manifest } = await workspace.snapshot()
  expect(blobs.puts).toHaveLength(2)
  expect((await readManifest(blobs.port, manifest)).entries).toHaveLength(1)
})

test("of the home only the memory is kept, and ignored paths are not", async () => {
  const { tree, blobs, workspace } = setUp({ ignore: ["node_modules/**"] })
  tree.put("home", ".agent/said", "hello")
  tree.put("home", ".credentials", "secret")
  tree.put("workspace", "node_modules/x/index.js", "1")
  tree.put("workspace", "main.js", "2")
  const { manifest, skippedCount } = await workspace.snapshot()
  const { entries } = await readManifest(blobs.port, manifest)
  expect(entries.map((entry) => `${entry.root} ${entry.path}`)).toEqual([
    "home .agent",
    "home .agent/said",
    "workspace main.js",
  ])
  expect(skippedCount).toBe(0)
})

test("what cannot be kept is named, and counted when there is much of it", async () => {
  const { tree, workspace } = setUp()
  tree.put("workspace", "kept", "1")
  tree.putOther("workspace", "pipe", "other")
  tree.putOther("workspace", "bad\uFFFDname", "other")
  tree.putLink("workspace", "passwd", "/etc/passwd")
  for (let index = 0; index < 200; index += 1) tree.putOther("home", `.agent/s${index}`, "other")
  const result = await workspace.snapshot()
  expect(result).toMatchObject({ files: 1, skippedCount: 203 })
  expect(result.skipped).toHaveLength(100)
  expect(result.skipped.slice(0, 4)).toEqual([
    { path: "pipe", reason: "a special file, or nested too deep" },
    { path: "bad\uFFFDname", reason: "its name is not UTF-8" },
    { path: "passwd", reason: "a symlink that leads out of the tree" },
    { path: "~/.agent/s0", reason: "a special file, or nested too deep" },
  ])
})

test("a file that changes once while read is read again", async () => {
  const { tree, blobs, workspace } = setUp()
  tree.put("workspace", "a", "before")
  let changes = 0
  tree.beforeChunk = () => {
    changes += 1
    if (changes === 1) tree.put("workspace", "a", "after")
  }
  expect(await workspace.snapshot()).toMatchObject({ files: 1, fuzzy: false, skippedCount: 0 })
  const texts = [...blobs.content.values()].map((bytes) => new TextDecoder().decode(bytes))
  expect(texts).toContain("after")
  expect(texts).not.toContain("before")
})

test("a file that never stands still is kept as it was read, and the snapshot is fuzzy", async () => {
  const { tree, workspace } = setUp()
  tree.put("workspace", "a", "0")
  let changes = 0
  tree.beforeChunk = () => {
    changes += 1
    tree.put("workspace", "a", String(changes))
  }
  expect(await workspace.snapshot()).toMatchObject({ files: 1, fuzzy: true, skippedCount: 0 })
})

test("a large file that grows is kept as far as it was hashed", async () => {
  const { tree, blobs, open, workspace } = setUp()
  const start = new Uint8Array(3 * 1024 * 1024).fill(7)
  tree.put("workspace", "log", start)
  const grow = (): void => {
    const { content } = tree.nodes.workspace.get("log") ?? { content: start }
    const longer = new Uint8Array(content.byteLength + 10)
    longer.set(content)
    tree.put("workspace", "log", longer)
  }
  tree.beforeChunk = grow
  const { manifest, fuzzy } = await workspace.snapshot()
  expect(fuzzy).toBe(true)
  const [entry] = (await readManifest(blobs.port, manifest)).entries
  expect(entry).toMatchObject({ kind: "file", path: "log" })
  const replaced = createMemoryTree()
  expect(await open(replaced).restore(manifest)).toMatchObject({ files: 1, skippedCount: 0 })
})

test("a large file that is rewritten between hashing and sending is hashed again, in the end skipped", async () => {
  const { tree, blobs } = setUp()
  const large = (fill: number) => new Uint8Array(2 * 1024 * 1024).fill(fill)
  tree.put("workspace", "a", large(0))
  tree.put("workspace", "b", large(0))
  const { missing } = blobs.port
  let fill = 0
  const rewriting = {
    ...blobs.port,
    missing: async (hashes: readonly BlobHash[]) => {
      fill += 1
      if (fill <= 3) tree.put("workspace", "a", large(fill))
      return missing(hashes)
    },
  }
  const again = createWorkspace({
    files: tree.port,
    blobs: rewriting,
    memory: [],
    hashContent,
    clock: { now: () => 0 },
  })
  const result = await again.snapshot()
  expect(result).toMatchObject({ files: 1, fuzzy: true, skippedCount: 1 })
  expect(result.skipped).toEqual([{ path: "a", reason: "changed while it was read, again and again" }])
  // The other file with the same content was not forgotten with it.
  const { entries } = await readManifest(blobs.port, result.manifest)
  expect(entries).toMatchObject([{ path: "b" }])
  expect(entries.every((entry) => entry.kind === "file" && blobs.content.has(entry.hash))).toBe(true)
})

test("a file that cannot be read is skipped; a store that fails is not", async () => {
  const { tree, blobs, workspace } = setUp()
  tree.put("workspace", "a", "1")
  tree.put("workspace", "b", "2")
  tree.beforeChunk = (at) => {
    if (at === "a") throw Object.assign(new Error("/host/path"), { code: "EACCES" })
  }
  const result = await workspace.snapshot()
  expect(result).toMatchObject({ files: 1, skipped: [{ path: "a", reason: "cannot be read (EACCES)" }] })
  tree.put("workspace", "b", "3")
  const failing = { ...blobs.port, put: () => Promise.reject(new Error("the store is away")) }
  const broken = createWorkspace({
    files: tree.port,
    blobs: failing,
    memory: [],
    hashContent,
    clock: { now: () => 0 },
  })
  await expect(broken.snapshot()).rejects.toThrow("the store is away")
})

test("a restore names the blobs that are gone, and writes the rest", async () => {
  const { tree, blobs, open, workspace } = setUp()
  tree.put("workspace", "gone", "lost")
  tree.put("workspace", "here", "kept")
  const { manifest } = await workspace.snapshot()
  const [lost] = (await readManifest(blobs.port, manifest)).entries
  if (lost?.kind === "file") blobs.content.delete(lost.hash)
  const replaced = createMemoryTree()
  const result = await open(replaced).restore(manifest)
  expect(result).toMatchObject({ files: 1, skippedCount: 1 })
  expect(result.skipped[0]).toMatchObject({ path: "gone" })
  expect(result.skipped[0]?.reason).toContain("blob is missing")
  expect([...replaced.nodes.workspace.keys()]).toEqual(["here"])

  const absent = "0".repeat(64) as BlobHash
  const refused: unknown = await open(replaced)
    .restore(absent)
    .catch((error: unknown) => error)
  expect(isAppError(refused, "blob_not_found")).toBe(true)
})

test("more than a sandbox may hold is no snapshot, and nothing of it is read", async () => {
  const { tree, blobs, workspace } = setUp({ maxBytes: 1024 * 1024 })
  tree.put("workspace", "large", "x".repeat(1024 * 1024))
  await workspace.snapshot()
  const before = blobs.content.size
  tree.put("home", ".agent/more", "y")
  const refused: unknown = await workspace.snapshot().catch((error: unknown) => error)
  expect(isAppError(refused, "storage_full")).toBe(true)
  expect(blobs.content.size).toBe(before)
})
