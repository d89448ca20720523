import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, relative } from "node:path"
import { rolldown } from "rolldown"
import { recordBuild, sourceStamp } from "./build-stamp.mjs"
import { bundles, type Bundle } from "./bundles.ts"
import { dist, root } from "./paths.mjs"

/**
 * `dist/<name>.js` only turns on the compile cache and loads `dist/<name>.main.js`: code is cached only
 * when the cache is on before it is loaded. The cache is relative to the file, so that it holds where dist
 * is shown under another path; where it cannot be written, nothing is lost but time. Source maps lie beside
 * for those who ask (NODE_OPTIONS=--enable-source-maps): reading them costs a third of a start.
 */
const launcher = (name: string) => `import { enableCompileCache } from "node:module"
enableCompileCache({ directory: import.meta.dirname + "/.compile-cache", portable: true })
await import("./${name}.main.js")
`

async function bundle({ name, entry, assets = [] }: Bundle, directory: string): Promise<void> {
  const build = await rolldown({
    input: { [name]: join(root, entry) },
    cwd: root,
    platform: "node",
    // A missing export or an unresolved import is a program that breaks later.
    onLog(level, log, report) {
      report(level === "warn" && log.code !== "EVAL" ? "error" : level, log)
    },
  })
  try {
    await build.write({
      dir: directory,
      format: "esm",
      entryFileNames: `${name}.main.js`,
      sourcemap: true,
      codeSplitting: false,
    })
  } finally {
    await build.close()
  }
  writeFileSync(join(directory, `${name}.js`), launcher(name))
  for (const folder of assets)
    cpSync(join(root, folder), join(directory, basename(folder)), { recursive: true })
}

function moveInto(target: string, source: string): void {
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    const path = join(target, relative(source, entry.parentPath), entry.name)
    if (entry.isDirectory()) mkdirSync(path, { recursive: true })
    else renameSync(join(entry.parentPath, entry.name), path)
  }
}

const startedAt = performance.now()
const stamp = sourceStamp()
const built = bundles.filter(({ entry }) => existsSync(join(root, entry)))
// Written aside and renamed: a server that runs from dist/ may start a supervisor at any moment.
const aside = join(dist, `.build-${process.pid}`)
mkdirSync(aside, { recursive: true })
const results = await Promise.allSettled(built.map((each) => bundle(each, aside)))
const faults = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []))
for (const fault of faults) console.error(fault instanceof Error ? fault.message : fault)
if (faults.length === 0) {
  moveInto(dist, aside)
  rmSync(join(dist, ".compile-cache"), { recursive: true, force: true })
  recordBuild(stamp)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.error(`berth: built ${built.map(({ name }) => name).join(", ") || "nothing"} in ${seconds} s`)
}
rmSync(aside, { recursive: true })
process.exitCode = faults.length === 0 ? 0 : 1
