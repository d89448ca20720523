import { spawn } from "node:child_process"
import { accessSync, constants, realpathSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { AppError } from "@berth/core"

/** npm's own program. */
function findNpm(path: string): string {
  const found = path
    .split(delimiter)
    .map((folder) => join(folder, "npm"))
    .find(isExecutable)
  if (found === undefined)
    throw new AppError("unavailable", "npm is not on the PATH: install Node.js with npm.")
  return realpathSync(found)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error) return false
    throw error
  }
}

/**
 * Runs npm under this Node: under an older one npm takes older versions of a package without a word.
 * No scripts of packages are run. Its words go to stderr.
 */
export async function runNpm(words: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const path = env["PATH"] ?? ""
  const node = dirname(process.execPath)
  const child = spawn(
    process.execPath,
    [findNpm(path), ...words, "--ignore-scripts", "--no-audit", "--no-fund"],
    {
      env: { ...env, PATH: `${node}${delimiter}${path}` },
      stdio: ["ignore", 2, 2],
    },
  )
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  if (code !== 0) throw new AppError("upstream_failed", `npm ended with ${code}; its words are above.`)
}
