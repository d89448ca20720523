import type { FileRoot } from "../ports/sandbox-provider.ts"

/** The same in every sandbox, or read-only everywhere: what a virtual environment's `bin/python3` points to. */
const sharedFolders = ["/workspace", "/home/agent", "/usr", "/bin", "/lib", "/lib64", "/opt"]

/**
 * Whether a symlink means the same after a restore, and leads out of nothing when the tree is copied
 * elsewhere: a relative target stays below its root, an absolute one in a folder that every sandbox has.
 */
export function staysInside(
  link: { readonly root: FileRoot; readonly path: string },
  target: string,
): boolean {
  if (target === "" || target.includes("\0")) return false
  if (!target.startsWith("/")) return resolve(link.path.split("/").slice(0, -1), target) !== null
  const names = resolve([], target)
  if (names === null) return false
  const path = `/${names.join("/")}`
  return sharedFolders.some((folder) => path === folder || path.startsWith(`${folder}/`))
}

/** Null when it climbs above where it may start. */
function resolve(from: readonly string[], target: string): readonly string[] | null {
  const names = [...from]
  for (const name of target.split("/")) {
    if (name === "" || name === ".") continue
    if (name !== "..") names.push(name)
    else if (names.pop() === undefined) return null
  }
  return names
}
