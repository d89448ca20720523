import { EventEmitter } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { sourceStamp } from "./build-stamp.mjs"
import { coalesceSignals } from "./coalesce-signals.mjs"
import { hasDependencies } from "./dependencies.mjs"
import { installCommand, missingParts } from "./host.mjs"
import { isNewEnough } from "./node-24.mjs"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-scripts-"))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function lock(path: string, packages: object): void {
  mkdirSync(join(folder, "node_modules"), { recursive: true })
  writeFileSync(join(folder, path), JSON.stringify({ packages }))
}

test("dependencies are there when npm's record has what the lock file asks for", () => {
  const zod = { "node_modules/zod": { version: "4.0.0" } }
  lock("package-lock.json", {
    "": { name: "berth" },
    "packages/core": { version: "0.1.0" },
    "node_modules/@berth/core": { link: true },
    ...zod,
    "node_modules/only-mac": { version: "1.0.0", optional: true },
  })
  expect(hasDependencies(folder)).toBe(false)
  lock("node_modules/.package-lock.json", zod)
  expect(hasDependencies(folder)).toBe(true)
  lock("node_modules/.package-lock.json", { "node_modules/zod": { version: "4.0.1" } })
  expect(hasDependencies(folder)).toBe(false)
  lock("node_modules/.package-lock.json", {})
  expect(hasDependencies(folder)).toBe(false)
})

test("a source that changes, appears or goes changes the stamp; a test does not", () => {
  const source = join(folder, "packages/core/src")
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, "a.ts"), "1")
  const first = sourceStamp(folder)
  expect(sourceStamp(folder)).toBe(first)
  writeFileSync(join(source, "a.test.ts"), "1")
  expect(sourceStamp(folder)).toBe(first)
  utimesSync(join(source, "a.ts"), 1, 1)
  const touched = sourceStamp(folder)
  expect(touched).not.toBe(first)
  writeFileSync(join(source, "b.ts"), "1")
  expect(sourceStamp(folder)).not.toBe(touched)
  rmSync(join(source, "b.ts"))
  expect(sourceStamp(folder)).toBe(touched)
})

test("missing host parts are named with the command that installs them", () => {
  const parts = [
    { commands: ["bwrap"], package: "bubblewrap", why: "isolation" },
    { commands: ["chromium", "google-chrome"], package: "chromium", why: "tests" },
  ]
  const missing = missingParts(parts, (command) => (command === "google-chrome" ? "/usr/bin/x" : null))
  expect(installCommand(missing).join(" ")).toBe("apt-get install -y --no-install-recommends bubblewrap")
})

test("one Ctrl-C that arrives twice reaches the listener once; a second one does reach it", () => {
  const target = new EventEmitter()
  let now = 0
  let count = 0
  coalesceSignals(target as NodeJS.Process, { windowMs: 1_000, now: () => now })
  target.on("SIGINT", () => (count += 1))
  target.emit("SIGINT")
  now = 5
  target.emit("SIGINT")
  expect(count).toBe(1)
  target.emit("exit")
  now = 1_200
  target.emit("SIGINT")
  expect(count).toBe(2)
})

test("versions of Node", () => {
  expect(["20.20.2", "24.0.0", "26.1.0"].map(isNewEnough)).toEqual([false, true, true])
})
