#!/usr/bin/env node
// `npm test`: everything from a fresh clone to a judged run of all tests. Further words go to vitest, as in
// `npm test -- --project unit packages/core`.
import { fileURLToPath } from "node:url"
import { ensureDependencies } from "./dependencies.mjs"
import { ensureBuild } from "./ensure-build.mjs"
import { ensureParts } from "./host.mjs"
import { serverParts, testParts } from "./host-parts.mjs"
import { continueUnderNode24 } from "./node-24.mjs"

ensureDependencies()
await continueUnderNode24(fileURLToPath(import.meta.url))
// What cannot be installed is no reason to stop: the tests that need it say so, and are counted.
ensureParts([...serverParts, ...testParts])
ensureBuild()
const { runTests } = await import("./run-tests.mjs")
const { isGood, lines, closing } = await runTests(process.argv.slice(2), (output) =>
  process.stdout.write(output),
)
for (const line of lines) console.log(line)
console.log(closing)
process.exitCode = isGood ? 0 : 1
