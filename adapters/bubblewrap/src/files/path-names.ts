import { AppError } from "@berth/core"

const longestName = 255
const deepestPath = 256

/** The names of a path relative to a root. `bad_params` for one that is absolute, empty, or holds `..` or NUL. */
export function pathNames(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".")
  const fault = pathFault(path, names)
  if (fault !== null) throw new AppError("bad_params", `The path ${fault}.`, { details: { path } })
  return names
}

function pathFault(path: string, names: readonly string[]): string | null {
  if (path.startsWith("/")) return "must be relative"
  if (path.includes("\0")) return "holds a NUL"
  if (names.length === 0) return "names nothing"
  if (names.includes("..")) return "must not hold `..`"
  if (names.length > deepestPath) return `has more than ${deepestPath} names`
  if (names.some((name) => Buffer.byteLength(name) > longestName)) {
    return `has a name of more than ${longestName} bytes`
  }
  return null
}
