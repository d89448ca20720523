import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { root } from "./paths.mjs"
import { stop } from "./say.mjs"

/** Berth uses node:sqlite and runs TypeScript as it is: both come with this version. */
const wantedMajor = 24

/** @param {string} version as process.versions.node */
export function isNewEnough(version) {
  return Number.parseInt(version, 10) >= wantedMajor
}

/** The Node that came with the dependencies; null where there is none for this platform. */
export function installedNode() {
  const path = join(root, `node_modules/node-${process.platform}-${process.arch}/bin/node`)
  return existsSync(path) ? path : null
}

/**
 * Goes on under Node ≥ 24: returns when this is one, else runs the same script under the one that came
 * with the dependencies and ends with its exit code. Signals are passed on.
 * @param {string} script absolute path
 * @returns {Promise<void>}
 */
export async function continueUnderNode24(script) {
  if (isNewEnough(process.versions.node)) return
  const node = installedNode()
  if (node === null) {
    stop(
      `needs Node.js ${wantedMajor} or newer; this is ${process.versions.node}, and npm has none for this platform`,
    )
  }
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: "inherit" })
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => child.kill(signal))
  }
  /** @type {number} */
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("exit", (exitCode, signal) => {
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
  process.exit(code)
}
