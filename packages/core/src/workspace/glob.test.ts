import fc from "fast-check"
import { expect, test } from "vitest"
import { compileGlobs } from "./glob.ts"

test.each([
  [".claude/projects/**", ".claude/projects/a/b.jsonl", true],
  [".claude/projects/**", ".claude/projects", true],
  [".claude/projects/**", ".claude/projects2/a", false],
  [".claude/projects/**", ".claude/.credentials.json", false],
  ["*.md", "a.md", true],
  ["*.md", "b/a.md", false],
  ["**/*.md", "a.md", true],
  ["**/*.md", "x/y/a.md", true],
  ["a/**/z", "a/z", true],
  ["a/**/z", "a/b/c/z", true],
  ["a/**/z", "a/b/c/zz", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["a*", "a", true],
  ["*b*", "aXbY", true],
  ["a", "a/b", false],
  ["?", "😀", true],
])("%s against %s: %s", (glob, path, expected) => {
  expect(compileGlobs([glob])(path)).toBe(expected)
})

test("no pattern matches nothing, and any of several is enough", () => {
  expect(compileGlobs([])("a")).toBe(false)
  expect(compileGlobs(["x", "a"])("a")).toBe(true)
})

test("a pattern made of wildcards stays fast", () => {
  const startedAt = performance.now()
  expect(compileGlobs([`${"*a".repeat(50)}b`])("a".repeat(5_000))).toBe(false)
  expect(compileGlobs([`${"**/a/".repeat(50)}b`])("a/".repeat(2_000))).toBe(false)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

test("agrees with a regular expression on names", () => {
  const sign = fc.constantFrom("a", "b", "*", "?")
  fc.assert(
    fc.property(
      fc.array(sign),
      fc.array(fc.constantFrom("a", "b"), { minLength: 1 }),
      (signs, characters) => {
        fc.pre(signs.join("") !== "**" && signs.length > 0)
        const expression = signs.map((part) => (part === "*" ? ".*" : part === "?" ? "." : part)).join("")
        const name = characters.join("")
        expect(compileGlobs([signs.join("")])(name)).toBe(new RegExp(`^${expression}$`).test(name))
      },
    ),
  )
})
