import { accessSync, constants } from "node:fs"
import { join } from "node:path"
import { hasErrno } from "../has-errno.ts"

/** Where systems put programs. The caller's PATH is no guide: these run with our privileges. */
const folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/current-system/sw/bin"]

/** Absolute path of a program of the system, or null. */
export function findProgram(name: string): string | null {
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES", "ENOTDIR")) return false
    throw error
  }
}
