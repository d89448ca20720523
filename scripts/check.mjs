#!/usr/bin/env node
// `npm run check`: format, lint, layers, types, the lock file, unit and conformance tests. No service needed.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ensureDependencies } from "./dependencies.mjs"
import { continueUnderNode24 } from "./node-24.mjs"
import { root } from "./paths.mjs"

ensureDependencies()
await continueUnderNode24(fileURLToPath(import.meta.url))

/** @typedef {{ name: string, run: () => Promise<{ isGood: boolean, output: string }> }} Step */

/**
 * @param {string} name
 * @param {readonly string[]} command
 * @returns {Step}
 */
const step = (name, [program = "", ...words]) => ({
  name,
  run: () =>
    new Promise((resolve, reject) => {
      const child = spawn(program, words, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => (output += text))
      }
      child.on("error", reject)
      child.on("close", (code) => resolve({ isGood: code === 0, output }))
    }),
})
const tool = (/** @type {string} */ name) => join(root, "node_modules/.bin", name)

/** @type {Step} */
const tests = {
  name: "unit and conformance tests",
  run: async () => {
    const { runTests } = await import("./run-tests.mjs")
    let output = ""
    const words = ["--project=unit", "--project=conformance"]
    const { isGood, lines, closing } = await runTests(words, (text) => (output += text))
    return { isGood, output: `${output}\n${lines.join("\n")}\n${closing}` }
  },
}

const quickSteps = [
  step("format", [tool("oxfmt"), "--check", "."]),
  step("lint", [tool("oxlint")]),
  step("layers", [process.execPath, "scripts/check-layers.ts"]),
  step("types", [tool("tsc"), "-p", "tsconfig.json"]),
  step("types of packages, without Node", [tool("tsc"), "-p", "packages/tsconfig.json"]),
  step("types of scripts", [tool("tsc"), "-p", "scripts/tsconfig.json"]),
  step("lock file", ["npm", "ci", "--dry-run", "--offline", "--loglevel=error"]),
]

/** @param {readonly Step[]} steps one after the other; returns how many failed */
async function runInOrder(steps) {
  let failures = 0
  for (const { name, run } of steps) {
    const startedAt = performance.now()
    const { isGood, output } = await run()
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`${isGood ? "ok  " : "FAIL"} ${name} (${seconds} s)`)
    if (!isGood) {
      console.log(output.trim())
      failures += 1
    } else if (name === tests.name) {
      console.log(
        output
          .trim()
          .split("\n")
          .filter((line) => /^(skipped: |\d+ passed)/.test(line))
          .join("\n"),
      )
    }
  }
  return failures
}

const failures = await Promise.all([runInOrder([tests]), runInOrder(quickSteps)])
const failed = failures.reduce((sum, each) => sum + each)
console.log(failed === 0 ? "check passed" : `check failed: ${failed} of ${quickSteps.length + 1} steps`)
process.exitCode = failed === 0 ? 0 : 1
