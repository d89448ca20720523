import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, readdirSync, rmdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { AppError } from "@berth/core"
import { hasErrno } from "../has-errno.ts"
import type { BoundFolder } from "../sandbox-record.ts"
import { findProgram } from "./find-program.ts"

const run = promisify(execFile)
const stages = "/run/berth-sandboxes"

/** A folder of ours that any user can reach, for what all sandboxes share. */
export function reachableFolder(): string {
  const folder = join(stages, ".shared")
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** Whether any user of this host could get as far as `path`; its own mode is another matter. */
export function isReachable(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/**
 * A sandbox's user must reach what it is shown, and cannot where a parent folder is closed to others (as
 * `/root` is). Such folders are mounted once more in a place that it can reach, until `unstageFolders`.
 */
export async function stageFolders(
  id: string,
  folders: readonly BoundFolder[],
): Promise<readonly BoundFolder[]> {
  const staged: BoundFolder[] = []
  for (const [index, folder] of folders.entries()) {
    staged.push(
      isReachable(folder.source) ? folder : { ...folder, source: await stage(id, index, folder.source) },
    )
  }
  return staged
}

async function stage(id: string, index: number, source: string): Promise<string> {
  const target = join(stages, id, String(index))
  try {
    mkdirSync(target, { recursive: true, mode: 0o755 })
    await run(findProgram("mount") ?? "mount", ["--bind", "--", source, target])
    return target
  } catch (error) {
    throw new AppError(
      "unavailable",
      `Sandboxes cannot reach ${source}: run \`chmod o+x\` on its parent folders, or choose another place.`,
      { cause: error },
    )
  }
}

/** Removes the mounts made for `id`. Idempotent. */
export async function unstageFolders(id: string): Promise<void> {
  const folder = join(stages, id)
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => line.split(" ")[4] ?? [])
    .filter((point) => point.startsWith(`${folder}/`))
  for (const point of mounts) await run(findProgram("umount") ?? "umount", ["--lazy", "--", point])
  try {
    for (const name of readdirSync(folder)) rmdirSync(join(folder, name))
    rmdirSync(folder)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
  }
}
