import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, copyFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"

const root = join(import.meta.dirname, "..")

/** One file for each rule of the house that the linter holds, and the rule it has to name. */
const broken: readonly (readonly [file: string, text: string, rule: string])[] = [
  ["packages/core/src/any.ts", "export const a = (b: any) => String(b)", "no-explicit-any"],
  ["packages/core/src/bang.ts", "export const a = (b: string | null) => b!.length", "no-non-null-assertion"],
  ["packages/core/src/space.ts", "export namespace A { export const b = 1 }", "no-namespace"],
  ["packages/core/src/default.ts", "export default 1", "no-default-export"],
  ["packages/core/src/long.ts", "// line\n".repeat(401), "max-lines"],
  [
    "packages/core/src/float.ts",
    "const f = async () => 1\nexport const g = () => { f() }",
    "no-floating-promises",
  ],
  [
    "packages/core/src/parse.ts",
    "const a = JSON.parse('1')\nexport const b: string = a.c",
    "no-unsafe-assignment",
  ],
  ["packages/core/src/CamelCase.ts", "export const a = 1", "filename-case"],
  ["packages/core/src/swallow.ts", "try { JSON.stringify(1) } catch {}", "no-empty"],
  ["packages/core/src/throw.ts", "export const a = () => { throw 'words' }", "only-throw-error"],
  ["packages/core/src/buffer.ts", "export const a = Buffer.from('a')", "no-restricted-globals"],
  ["packages/core/src/process.ts", "export const a = process.pid", "no-restricted-globals"],
  ["packages/core/src/console.ts", "console.log(1)", "no-console"],
  ["packages/core/src/later.ts", "// TODO: all of it", "no-warning-comments"],
  ["apps/server/src/environment.ts", "export const a = process.env.HOME", "no-process-env"],
  ["apps/server/src/cycle-a.ts", 'import { b } from "./cycle-b.ts"\nexport const a = () => b', "no-cycle"],
  ["apps/server/src/cycle-b.ts", 'import { a } from "./cycle-a.ts"\nexport const b = () => a', "no-cycle"],
  [
    "packages/core/src/switch.ts",
    "export const a = (b: 'c' | 'd') => { switch (b) { case 'c': return 1 } return 2 }",
    "switch-exhaustiveness-check",
  ],
]
const fine: readonly (readonly [file: string, text: string])[] = [
  [
    "apps/server/src/config.ts",
    "declare const process: { env: Record<string, string> }\nexport const home = process.env.HOME\n",
  ],
  ["vitest.config.ts", "export default {}\n"],
  ["packages/core/src/long.test.ts", `${"// line\n".repeat(500)}export const a = 1`],
]

let directory = ""
let output = ""

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-lint-"))
  for (const [file, text] of [...broken, ...fine]) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), text)
  }
  copyFileSync(join(root, ".oxlintrc.json"), join(directory, ".oxlintrc.json"))
  const compilerOptions = { target: "ES2024", module: "NodeNext", strict: true, noEmit: true, types: [] }
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  const programs = join(root, "node_modules/.bin")
  const { stdout } = spawnSync(join(programs, "oxlint"), ["--format=unix"], {
    cwd: directory,
    encoding: "utf8",
    // Its type-aware half is looked for below the folder it runs in, and then here.
    env: { ...process.env, PATH: `${programs}:${process.env["PATH"]}` },
  })
  output = stdout
})

afterAll(() => {
  rmSync(directory, { recursive: true })
})

test.each(broken)("%s breaks a rule", (file, _text, rule) => {
  const lines = output.split("\n").filter((line) => line.includes(file))
  expect(lines.join("\n")).toContain(rule)
})

test.each(fine)("%s breaks none", (file) => {
  expect(output.split("\n").filter((line) => line.includes(file))).toEqual([])
})
