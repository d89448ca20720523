import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
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

let faults = 0
for (const path of files.toSorted()) {
  const workspace = workspaceOf(path)
  const isTool = workspace === null || /\.test(-support)?\.ts$/.test(path)
  const own = workspace === null ? new Set<string>() : declared(workspace)
  const names = isTool ? new Set([...own, ...declared(".")]) : own
  for (const fault of checkSource({ path, text: readFileSync(join(root, path), "utf8"), declared: names })) {
    console.error(`${path}: ${fault}`)
    faults += 1
  }
}
console.log(`layers: ${files.length} files, ${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1
