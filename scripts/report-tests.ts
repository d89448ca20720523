import { writeFileSync } from "node:fs"
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node"

/** @see judge-tests.mjs, which reads it */
interface Report {
  passed: number
  failed: number
  readonly skipped: { readonly name: string; readonly note: string | null }[]
  readonly errors: string[]
}

/** Writes what came of every test to the file of `BERTH_TEST_REPORT`, for scripts/run-tests.mjs. */
class TestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const report: Report = { passed: 0, failed: 0, skipped: [], errors: errors.map(({ message }) => message) }
    for (const module of modules) {
      for (const error of module.errors()) report.errors.push(`${module.relativeModuleId}: ${error.message}`)
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) report.errors.push(`${suite.fullName}: ${error.message}`)
      }
      for (const test of module.children.allTests()) count(report, test)
    }
    const path = process.env["BERTH_TEST_REPORT"]
    if (path !== undefined) writeFileSync(path, JSON.stringify(report))
  }
}

function count(report: Report, test: TestCase): void {
  const result = test.result()
  if (result.state === "passed") report.passed += 1
  else if (result.state === "failed") report.failed += 1
  else {
    const note = "note" in result ? result.note : undefined
    report.skipped.push({
      name: `${test.module.relativeModuleId} > ${test.fullName}`,
      note: note ?? null,
    })
  }
}

// oxlint-disable-next-line import/no-default-export -- vitest loads a reporter by its default export
export default TestReporter
