import { existsSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { AppError, type SandboxSpec } from "@berth/core"
import { insidePaths } from "./inside-paths.ts"
import type { SandboxLayout } from "./sandbox-layout.ts"
import type { BoundFolder } from "./sandbox-record.ts"

/** Prefixes shared with the whole system: of these only what is Node's is shown. */
const sharedPrefixes = ["/", "/usr", "/usr/local"]

/** Everything of this sandbox that is shown inside; the system's part comes before. */
export function boundFolders(
  layout: SandboxLayout,
  spec: SandboxSpec,
  nodeDirectory: string,
): readonly BoundFolder[] {
  const own = (source: string, target: string): BoundFolder => ({ source, target, isWritable: true })
  const shown = (source: string, target: string): BoundFolder => ({ source, target, isWritable: false })
  const folders = [
    own(layout.tmp, insidePaths.temporary),
    own(layout.home, insidePaths.home),
    own(layout.workspace, insidePaths.workspace),
    ...nodeFolders(nodeDirectory).map(([source, target]) => shown(source, target)),
    ...(spec.programs ?? []).map(({ source, target }) => shown(source, target)),
    ...(spec.sockets === undefined ? [] : [shown(spec.sockets.directory, insidePaths.sockets)]),
  ]
  for (const { source, target } of folders) {
    if (!target.startsWith("/"))
      throw new AppError("bad_params", `A program's target must be absolute: ${target}.`)
    if (!existsSync(source)) throw new AppError("bad_params", `There is no ${source} to show in the sandbox.`)
  }
  return folders.map((folder) => ({ ...folder, source: realpathSync(folder.source) }))
}

/** Where the Node that runs this is installed. */
export function ownNodeDirectory(): string {
  return dirname(dirname(realpathSync(process.execPath)))
}

function nodeFolders(directory: string): readonly (readonly [source: string, target: string])[] {
  if (!sharedPrefixes.includes(directory)) return [[directory, insidePaths.node]]
  return ["bin", "lib/node_modules"]
    .map((part) => [join(directory, part), join(insidePaths.node, part)] as const)
    .filter(([source]) => existsSync(source))
}
