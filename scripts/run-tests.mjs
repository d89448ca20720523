import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { capabilities } from "./capabilities.mjs"
import { judgeTests } from "./judge-tests.mjs"
import { root } from "./paths.mjs"

/**
 * Runs vitest and judges what came of it. Node ≥ 24.
 * @param {readonly string[]} words for vitest
 * @param {(output: string) => void} write
 * @returns {Promise<import("./judge-tests.mjs").Judgement>}
 */
export async function runTests(words, write) {
  const folder = mkdtempSync(join(tmpdir(), "berth-report-"))
  const file = join(folder, "report.json")
  const vitest = spawn(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--reporter=default",
      `--reporter=${join(root, "scripts/report-tests.ts")}`,
      ...words,
    ],
    { cwd: root, env: { ...process.env, BERTH_TEST_REPORT: file }, stdio: ["ignore", "pipe", "pipe"] },
  )
  for (const stream of [vitest.stdout, vitest.stderr]) stream.setEncoding("utf8").on("data", write)
  /** @type {number | null} */
  const code = await new Promise((resolve, reject) => {
    vitest.on("error", reject)
    vitest.on("close", resolve)
  })
  try {
    if (!existsSync(file)) {
      return {
        isGood: false,
        lines: [`vitest ended with ${code} and no report`],
        closing: "0 passed, 1 failed, 0 skipped",
      }
    }
    const report = /** @type {import("./judge-tests.mjs").TestReport} */ (
      JSON.parse(readFileSync(file, "utf8"))
    )
    const judgement = judgeTests(report, capabilities)
    if (code === 0 || !judgement.isGood) return judgement
    return { ...judgement, isGood: false, lines: [...judgement.lines, `vitest ended with ${code}`] }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
