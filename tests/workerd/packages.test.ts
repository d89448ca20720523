import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { bundleForWorkerd, startWorkerd } from "../../adapters/sqlite/src/workerd.test-support.ts"

const packages = join(import.meta.dirname, "../../packages")
// The suites run where vitest does.
const names = readdirSync(packages).filter(
  (name) => name !== "conformance" && existsSync(join(packages, name, "src/index.ts")),
)

test.each(names)("packages/%s loads in workerd without nodejs_compat", async (name) => {
  const index = join(packages, name, "src/index.ts")
  const directory = mkdtempSync(join(tmpdir(), "berth-bundle-"))
  const entry = join(directory, "entry.ts")
  writeFileSync(
    entry,
    `import * as all from ${JSON.stringify(index)}
     export default { fetch: () => Response.json(Object.keys(all).toSorted()) }`,
  )
  const workerd = await startWorkerd({ code: await bundleForWorkerd(entry) })
  try {
    const exported: unknown = await (await fetch(workerd.url())).json()
    const here: unknown = await import(index)
    expect(exported).toEqual(Object.keys(here as object).toSorted())
    expect(exported).not.toEqual([])
  } finally {
    await workerd.close()
    rmSync(directory, { recursive: true })
  }
})

test("what needs Node would be noticed", async () => {
  const needsNode = join(packages, "../adapters/filesystem/src/index.ts")
  await expect(bundleForWorkerd(needsNode)).rejects.toThrow("still imports node:fs")
})
