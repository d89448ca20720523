import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { diskLimits, measureDisk } from "./disk-meter.ts"

const roomy = { bytes: 1e12, files: 1e9 }
const mib = 1024 * 1024
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "berth-meter-"))
})
afterEach(() => rmSync(root, { recursive: true }))

const measure = (limits = roomy, pids: readonly number[] = []) => measureDisk([root], () => pids, limits)

test("counts what is allocated, below folders too, and symlinks as themselves", async () => {
  mkdirSync(join(root, "a/b"), { recursive: true })
  writeFileSync(join(root, "a/b/f"), new Uint8Array(2 * mib))
  symlinkSync("/usr", join(root, "usr"))
  const { bytes, files, isOver } = await measure()
  expect([files, isOver]).toEqual([4, false])
  expect(bytes).toBeGreaterThan(2 * mib)
  expect(bytes).toBeLessThan(2.2 * mib)
})

test("a sparse file is what it holds, a file with many names is one", async () => {
  const fd = openSync(join(root, "sparse"), "w")
  ftruncateSync(fd, 500 * mib)
  closeSync(fd)
  writeFileSync(join(root, "many"), new Uint8Array(mib))
  for (let index = 0; index < 20; index += 1) linkSync(join(root, "many"), join(root, `many${index}`))
  const { bytes, files } = await measure()
  expect(files).toBe(2)
  expect(bytes).toBeLessThan(1.2 * mib)
})

test("a file without a name counts while a process keeps it", async () => {
  const path = join(root, "gone")
  const fd = openSync(path, "w")
  writeSync(fd, new Uint8Array(3 * mib))
  unlinkSync(path)
  expect((await measure(roomy, [process.pid])).bytes).toBeGreaterThan(3 * mib)
  closeSync(fd)
  expect((await measure(roomy, [process.pid])).bytes).toBe(0)
})

test("stops at either limit", async () => {
  for (let index = 0; index < 50; index += 1) writeFileSync(join(root, String(index)), "x")
  const few = await measure({ bytes: 1e12, files: 10 })
  expect([few.isOver, few.files]).toEqual([true, 11])
  expect((await measure({ bytes: 4096, files: 1e9 })).isOver).toBe(true)
})

test("a tree too deep to be honest is over", async () => {
  let deep = root
  for (let index = 0; index < 450; index += 1) deep = join(deep, "d")
  mkdirSync(deep, { recursive: true })
  expect((await measure()).isOver).toBe(true)
})

test("nothing, and a root that is no longer there", async () => {
  expect(await measure()).toEqual({ bytes: 0, files: 0, isOver: false })
  expect((await measureDisk([join(root, "no")], () => [], roomy)).isOver).toBe(false)
})

test("small disks hold a project's worth of files", () => {
  expect(diskLimits(16)).toEqual({ bytes: 16 * mib, files: 10_000 })
  expect(diskLimits(4096).files).toBe(262_144)
})
