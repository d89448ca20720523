import { posix } from "node:path"
import { AppError, type FileRoot } from "@berth/core"
import { insidePaths } from "../inside-paths.ts"

/** Read-only everywhere inside: what a virtual environment's `bin/python3` points to. */
const systemFolders = ["/usr", "/bin", "/lib", "/opt"]

/**
 * `bad_params` unless the target, as the sandbox would follow it, stays in the workspace, the home, or the
 * read-only system. Only a courtesy to whoever copies the tree elsewhere: the host never follows it.
 */
export function checkLinkTarget(root: FileRoot, names: readonly string[], target: string): void {
  const folder = posix.join(insidePaths[root], ...names.slice(0, -1))
  const resolved = posix.resolve(folder, target)
  const isBelow = (parent: string): boolean => resolved === parent || resolved.startsWith(`${parent}/`)
  const isInside = target.startsWith("/")
    ? [insidePaths.workspace, insidePaths.home, ...systemFolders].some(isBelow)
    : isBelow(insidePaths[root])
  if (target !== "" && !target.includes("\0") && isInside) return
  throw new AppError("bad_params", "A symlink must lead to a place inside the same tree.", {
    details: { target },
  })
}
