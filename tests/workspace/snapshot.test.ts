import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createBubblewrapProvider } from "@berth/bubblewrap"
import {
  AppError,
  createWorkspace,
  decodeManifest,
  type Clock,
  type Logger,
  type Manifest,
  type Sandbox,
  type SnapshotResult,
  type SandboxProvider,
  type Workspace,
} from "@berth/core"
import type { BlobHash, LogId } from "@berth/protocol"
import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { missingFor } from "../agents/agent-cache.ts"

/** Snapshots over a real sandbox's files, written by whoever is inside. */
const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const blobs = new Map<BlobHash, Uint8Array<ArrayBuffer>>()
const uploads: BlobHash[] = []
const isMissing = missingFor("nothing") === "bubblewrap"
let directory: string
let provider: SandboxProvider
const sandboxes: Sandbox[] = []

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "work-"))
  provider = createBubblewrapProvider({ directory, logger: quiet, clock })
})

afterAll(async () => {
  for (const sandbox of sandboxes) await provider.destroy(sandbox.id)
  rmSync(directory, { recursive: true })
})

beforeEach((context) => {
  if (isMissing) context.skip("missing: bubblewrap")
})

async function makeSandbox(): Promise<Sandbox> {
  const sandbox = await provider.create({
    labels: { logId: "log_00000000000000000000000000" as LogId, generation: 1 },
    limits: { memoryMib: 1024, cpu: 2, pids: 256, diskMib: 2048 },
  })
  sandboxes.push(sandbox)
  return sandbox
}

function workspaceOf(sandbox: Sandbox): Workspace {
  return createWorkspace({
    files: sandbox.files,
    memory: [".agent/**"],
    clock,
    hashContent: async (content) => {
      const hash = createHash("sha256")
      for await (const chunk of content) hash.update(chunk)
      return hash.digest("hex") as BlobHash
    },
    blobs: {
      missing: (hashes) => Promise.resolve(hashes.filter((hash) => !blobs.has(hash))),
      async put(hash, content) {
        const bytes = new Uint8Array(
          await new Response(content as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
        )
        if (createHash("sha256").update(bytes).digest("hex") !== hash)
          throw new AppError("bad_request", "wrong hash")
        uploads.push(hash)
        blobs.set(hash, bytes)
      },
      get: (hash) => {
        const bytes = blobs.get(hash)
        return Promise.resolve(bytes === undefined ? null : new Blob([bytes]).stream())
      },
    },
  })
}

async function run(sandbox: Sandbox, script: string): Promise<string> {
  const child = await sandbox.spawn(["/bin/bash", "-c", script], {
    env: { PATH: "/usr/bin:/bin", HOME: "/home/agent" },
  })
  await child.stdin.close()
  const [output, , exit] = await Promise.all([
    new Response(child.stdout as ReadableStream<Uint8Array<ArrayBuffer>>).text(),
    new Response(child.stderr as ReadableStream<Uint8Array<ArrayBuffer>>).text(),
    child.exited,
  ])
  expect(exit.reason).toBe("exited")
  return output
}

function manifestOf(hash: BlobHash): Manifest {
  return decodeManifest(blobs.get(hash) ?? new Uint8Array())
}

const name = fc
  .stringMatching(/^[a-z é'"\n$*-]{1,4}$/)
  .filter((text) => text.trim() !== "" && !text.startsWith("-"))
const node = fc.oneof(
  fc.record({
    kind: fc.constant("file"),
    text: fc.string({ unit: "binary", maxLength: 40 }),
    mode: fc.constantFrom("600", "644", "755", "000"),
  }),
  fc.record({
    kind: fc.constant("folder"),
    text: fc.constant(""),
    mode: fc.constantFrom("755", "700", "555"),
  }),
  fc.record({
    kind: fc.constant("link"),
    text: fc.constantFrom("a", "x/y", "/usr/bin/env"),
    mode: fc.constant("777"),
  }),
)

test("snapshot, restore, snapshot is the identity over what a sandbox wrote", async () => {
  const trees = fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), node), { maxLength: 15 })
  await fc.assert(
    fc.asyncProperty(trees, async (entries) => {
      const sandbox = await makeSandbox()
      const quote = (text: string): string =>
        `$'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`
      const lines = entries.map(([names, { kind, text, mode }]) => {
        const path = quote(names.join("/"))
        const folder = quote(names.slice(0, -1).join("/") || ".")
        const encoded = Buffer.from(text).toString("base64")
        if (kind === "folder") return `mkdir -p ${path} && chmod ${mode} ${path}`
        if (kind === "link") return `mkdir -p ${folder} && [ ! -e ${path} ] && ln -s ${text} ${path}`
        return `mkdir -p ${folder} && echo ${encoded} | base64 -d > ${path} && chmod ${mode} ${path}`
      })
      await run(sandbox, [...lines, "true"].join("\n"))
      const first = await workspaceOf(sandbox).snapshot()
      expect(first.fuzzy).toBe(false)
      const replaced = await makeSandbox()
      const second = workspaceOf(replaced)
      expect(await second.restore(first.manifest)).toMatchObject({ files: first.files, skippedCount: 0 })
      expect((await second.snapshot()).manifest).toBe(first.manifest)
      const list = `cd /workspace; find . -printf '%P %y %m %l\\n' | sort; find . -type f -readable -exec sha256sum {} + | sort`
      expect(await run(replaced, list)).toBe(await run(sandbox, list))
      for (const { id } of sandboxes.splice(0)) await provider.destroy(id)
    }),
    { numRuns: 25 },
  )
}, 120_000)

test("what cannot be kept is named, whatever its name", async () => {
  const sandbox = await makeSandbox()
  await run(
    sandbox,
    `cd /workspace; echo 1 > kept; mkfifo pipe; ln -s /etc/passwd secrets; ln -s ../../.. up
     printf x > $'bad\\xff\\xfename'; mkdir $'bad\\xffdir'; echo 2 > $'bad\\xffdir/inner'
     python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")' 2>/dev/null || mkfifo sock
     mkdir -p ~/.agent; echo said > ~/.agent/log; echo key > ~/.credentials`,
  )
  const result = await workspaceOf(sandbox).snapshot()
  expect(result.files).toBe(2)
  const reasons = Object.fromEntries(result.skipped.map(({ path, reason }) => [path, reason]))
  expect(Object.keys(reasons).toSorted()).toEqual([
    "bad\uFFFDdir",
    "bad\uFFFD\uFFFDname",
    "pipe",
    "secrets",
    "sock",
    "up",
  ])
  expect(reasons["pipe"]).toContain("special file")
  expect(reasons["secrets"]).toContain("leads out")
  expect(reasons["bad\uFFFDdir"]).toContain("UTF-8")
  expect(JSON.stringify(manifestOf(result.manifest))).not.toContain("credentials")
})

test("a tree of thousands is sent once; then only what changed", async () => {
  const sandbox = await makeSandbox()
  await run(
    sandbox,
    "mkdir d; for i in $(seq 3000); do echo content $i > d/f$i; done; head -c 5000000 /dev/urandom > big",
  )
  const workspace = workspaceOf(sandbox)
  uploads.length = 0
  await workspace.snapshot()
  expect(uploads).toHaveLength(3_002)
  await workspace.snapshot()
  uploads.length = 0
  const startedAt = performance.now()
  await run(sandbox, "echo new > d/f7; rm d/f8")
  const result = await workspace.snapshot()
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  expect(uploads).toHaveLength(2)
  expect(result.files).toBe(3_000)
})

test("files that are written while they are read come whole, or the snapshot says so", async () => {
  const sandbox = await makeSandbox()
  const writer = await sandbox.spawn(
    [
      "/bin/bash",
      "-c",
      "(while :; do echo $RANDOM$RANDOM >> log; done) & while :; do head -c 3000000 /dev/urandom > large; done",
    ],
    { env: { PATH: "/usr/bin:/bin" } },
  )
  await expect.poll(() => sandbox.files.stat("workspace", "large"), { timeout: 10_000 }).not.toBeNull()
  const results: SnapshotResult[] = []
  while (results.length < 3 || !results.some((result) => result.fuzzy)) {
    results.push(await workspaceOf(sandbox).snapshot())
    expect(results.length).toBeLessThan(100)
  }
  await writer.kill()
  for (const { manifest } of results) {
    for (const entry of manifestOf(manifest).entries) {
      expect(entry.kind !== "file" || blobs.get(entry.hash)?.byteLength === entry.size).toBe(true)
    }
  }
  const calm = await workspaceOf(sandbox).snapshot()
  expect(calm).toMatchObject({ fuzzy: false, files: 2, skippedCount: 0 })
})
