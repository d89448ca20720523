import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { isBuilt } from "./build-stamp.mjs"
import { root } from "./paths.mjs"
import { stop } from "./say.mjs"

/** Builds when a source changed since the last build. Needs Node ≥ 24. */
export function ensureBuild() {
  if (isBuilt()) return
  const { status } = spawnSync(process.execPath, [join(root, "scripts/build.ts")], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  })
  if (status !== 0) stop("the build failed; its words are above")
}
