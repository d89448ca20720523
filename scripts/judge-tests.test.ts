import { expect, test } from "vitest"
import { judgeTests } from "./judge-tests.mjs"

const capabilities = { chromium: () => true, root: () => false }
const report = { passed: 3, failed: 0, skipped: [], errors: [] }
const skipped = (note: string | null) =>
  judgeTests({ ...report, skipped: [{ name: "a.test.ts > b", note }] }, capabilities)

test("all passed", () => {
  expect(judgeTests(report, capabilities)).toEqual({
    isGood: true,
    lines: [],
    closing: "3 passed, 0 failed, 0 skipped",
  })
})

test("a failure, an error outside of a test, and no test at all are failures", () => {
  expect(judgeTests({ ...report, failed: 1 }, capabilities).isGood).toBe(false)
  const broken = judgeTests({ ...report, errors: ["a.test.ts: cannot load"] }, capabilities)
  expect(broken).toMatchObject({ isGood: false, closing: "3 passed, 1 failed, 0 skipped" })
  expect(judgeTests({ ...report, passed: 0 }, capabilities).isGood).toBe(false)
})

test("a skip is fine only for something that is really missing", () => {
  expect(skipped("missing: root, to change the owner")).toMatchObject({
    isGood: true,
    lines: ["skipped: a.test.ts > b: missing: root, to change the owner"],
    closing: "3 passed, 0 failed, 1 skipped",
  })
  expect(skipped("missing: chromium").lines[0]).toContain("WRONGLY: chromium is there")
  expect(skipped("missing: chromium").isGood).toBe(false)
  expect(skipped("missing: a quiet hour").isGood).toBe(false)
  expect(skipped("flaky").isGood).toBe(false)
  expect(skipped(null).isGood).toBe(false)
})
