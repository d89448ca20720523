import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

/**
 * The path of a program, or null. System folders are searched too: /usr/sbin is not on everybody's PATH.
 * @param {string} name
 * @returns {string | null}
 */
export function findCommand(name) {
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/local/bin",
    "/usr/bin",
    "/usr/sbin",
    "/sbin",
  ]
  for (const folder of folders) {
    if (folder !== "" && isExecutable(join(folder, name))) return join(folder, name)
  }
  return null
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
