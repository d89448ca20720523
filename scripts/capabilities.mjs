import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, rmdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findCommand } from "./find-command.mjs"
import { testParts } from "./host-parts.mjs"

/**
 * What a test may need of the machine, and whether it is there. A test that cannot run says
 * `context.skip("missing: <name>")`; the run fails when the thing is there after all.
 * @type {Readonly<Record<string, () => boolean>>}
 */
export const capabilities = {
  linux: () => process.platform === "linux",
  root: () => process.getuid?.() === 0,
  bubblewrap: () => {
    const path = findCommand("bwrap")
    return (
      path !== null && succeeds(path, ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"])
    )
  },
  socat: () => findCommand("socat") !== null,
  chromium: () => testParts.some(({ commands }) => commands.some((command) => findCommand(command) !== null)),
  /** A small file system of one's own, for the full-disk drill. */
  "tmpfs mount": () => {
    const folder = mkdtempSync(join(tmpdir(), "berth-mount-"))
    const mounted = succeeds("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])
    if (mounted) succeeds("umount", [folder])
    rmSync(folder, { recursive: true })
    return mounted
  },
  /** Groups of our own under a writable hierarchy, v1 or v2. */
  cgroups: () => ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"].some(canMakeGroup),
  /** Where `berth agents add` gets agent programs from. */
  "npm registry": () => succeeds("npm", ["ping", "--loglevel=silent", "--fetch-retries=0"]),
}

/** @param {string} program @param {readonly string[]} words */
function succeeds(program, words) {
  return spawnSync(program, words, { stdio: "ignore", timeout: 20_000 }).status === 0
}

/** @param {string} hierarchy */
function canMakeGroup(hierarchy) {
  const group = join(hierarchy, `berth-probe-${process.pid}`)
  try {
    mkdirSync(group)
    rmdirSync(group)
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
