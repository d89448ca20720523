import { expect, test } from "vitest"
import { checkSource } from "./check-source.ts"

const check = (path: string, text: string, declared: readonly string[] = []) =>
  checkSource({ path, text, declared: new Set(declared) }).join("\n")

test.each([
  ["packages/protocol/src/a.ts", 'import { z } from "zod"'],
  ["packages/core/src/a.ts", 'import type { Entry } from "@berth/protocol"\nimport { b } from "./b.ts"'],
  [
    "packages/core/src/a.test.ts",
    'import { readFileSync } from "node:fs"\nimport { x } from "@berth/memory"',
  ],
  ["packages/core/src/fake.test-support.ts", 'import { x } from "@berth/memory"'],
  ["packages/core/src/index.ts", 'export { a, type B } from "./a.ts"'],
  ["adapters/sqlite/src/a.ts", 'import { DatabaseSync } from "node:sqlite"\nimport { x } from "@berth/core"'],
  ["agents/shell/src/main.ts", 'import { x } from "@berth/protocol"'],
  ["apps/server/src/main.ts", 'import { x } from "@berth/sqlite"'],
])("%s may hold %s", (path, text) => {
  expect(check(path, text)).toBe("")
})

test.each([
  ["packages/protocol/src/a.ts", 'import { x } from "@berth/core"', "may not import @berth/core"],
  ["packages/protocol/src/a.ts", 'import { x } from "hono"', "may not import hono"],
  ["packages/core/src/a.ts", 'import { readFileSync } from "node:fs"', "may not import node:fs"],
  ["packages/core/src/a.ts", 'import { DurableObject } from "cloudflare:workers"', "cloudflare:workers"],
  ["packages/core/src/a.ts", 'export { x } from "node:path"', "may not import node:path"],
  ["packages/core/src/a.ts", 'const x = await import("node:path")', "may not import node:path"],
  ["packages/core/src/a.ts", 'export type X = import("node:fs").Stats', "may not import node:fs"],
  ["packages/core/src/a.ts", 'import type { X } from "@berth/memory"', "may not import @berth/memory"],
  ["packages/core/src/a.ts", 'import { x } from "../../protocol/src/ids.ts"', "reaches out of packages/core"],
  [
    "packages/core/src/a.ts",
    'import { x } from "@berth/protocol/src/ids.ts"',
    "only what its index.ts lists",
  ],
  ["packages/api/src/a.ts", 'import { x } from "@berth/sqlite"', "may not import @berth/sqlite"],
  ["packages/api/src/a.ts", 'import { x } from "hono"', "does not list"],
  ["adapters/sqlite/src/a.ts", 'import { x } from "@berth/memory"', "may not import @berth/memory"],
  ["adapters/sqlite/src/a.ts", 'import { x } from "@berth/api"', "may not import @berth/api"],
  ["adapters/sqlite/src/a.ts", 'import { x } from "@berth/server"', "may not import @berth/server"],
  ["adapters/memory/src/a.ts", 'import { x } from "node:fs"', "may not import node:fs"],
  ["agents/shell/src/a.ts", 'import { x } from "@berth/core"', "may not import @berth/core"],
  ["apps/server/src/a.ts", 'export * from "./b.ts"', "list the names"],
  ["apps/server/src/a.ts", 'import pino from "pino"', "does not list"],
  ["apps/server/src/utils.ts", "export const a = 1", "says nothing"],
  ["packages/core/src/log/types.ts", "export type A = 1", "says nothing"],
  ["packages/core/src/index.ts", "export const a = 1", "only lists"],
  ["packages/core/src/index.ts", 'import "./a.ts"', "only lists"],
  ["packages/core/src/a.ts", "const = 1", "does not parse"],
])("%s may not hold %s", (path, text, fault) => {
  expect(check(path, text)).toContain(fault)
})

test("a package listed by the workspace's manifest may be imported", () => {
  expect(check("packages/api/src/a.ts", 'import { Hono } from "hono/tiny"', ["hono"])).toBe("")
})
