import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { checkSource, workspaceOf } from "./check-source.ts"

const root = join(import.meta.dirname, "..")
const patterns = ["packages", "adapters", "apps", "agents", "scripts", "tests", "benchmarks"].map(
  (folder) => `${folder}/**/*.{ts,tsx,mts,mjs}`,
)
const files = globSync(patterns, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path) })

const declaredBy = new Map<string, ReadonlySet<string>>()
function declared(folder: string): ReadonlySet<string> {
  const known = declaredBy.get(folder)
  if (known !== undefined) return known
  const path = join(root, folder, "package.json")
  const names = existsSync(path) ? dependencyNames(JSON.parse(readFileSync(path, "utf8"))) : new Set<string>()
  declaredBy.set(folder, names)
  return names
}

function dependencyNames(manifest: unknown): ReadonlySet<string> {
  if (typeof manifest !== "object" || manifest === null) return new Set()
  const lists = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
  return new Set(
    Object.entries(manifest)
      .filter(([field]) => lists.includes(field))
      .flatMap(([, list]) => Object.keys(list as object)),
  )
}

const workspaces = globSync("{packages,adapters,apps,agents}/*/package.json", { cwd: root }).map(dirname)
const listedAnywhere = new Set([".", ...workspaces].flatMap((folder) => [...declared(folder)]))

/** Tests and scripts use the root's tools too; what lies outside the workspaces, all that any of them lists. */
function usableBy(path: string): ReadonlySet<string> {
  const workspace = workspaceOf(path)
  if (workspace === null) return listedAnywhere
  const own = declared(workspace)
  return /\.test(-support)?\.ts$/.test(path) ? new Set([...own, ...declared(".")]) : own
}

let faults = 0
for (const path of files.toSorted()) {
  const source = { path, text: readFileSync(join(root, path), "utf8"), declared: usableBy(path) }
  for (const fault of checkSource(source)) {
    console.error(`${path}: ${fault}`)
    faults += 1
  }
}
console.log(`layers: ${files.length} files, ${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1
