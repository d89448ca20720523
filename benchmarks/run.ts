// `npm run bench`: every figure in one run, one after the other, written to results/ with the machine it ran on.
// Figures are medians; those that count are ratios against a peer or a floor of the same run.
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus, loadavg, totalmem } from "node:os"
import { fileURLToPath } from "node:url"
import { firstTokenFigures } from "./first-token-figures.ts"
import { growthFigures } from "./growth-figures.ts"
import { logFigures } from "./log-figures.ts"
import { memoryFigures } from "./memory-figures.ts"
import { startFigures } from "./start-figures.ts"

/** Figure → what it is held to. */
const bars: Readonly<Record<string, { readonly most?: number; readonly least?: number }>> = {
  "append to reader, berth / peer": { most: 1.0 },
  "appends/s, berth / peer": { least: 8 },
  "replay of 100,000 entries ms": { most: 250 },
  "first token, cold ÷ bare": { most: 1.15 },
  "first token, warm ÷ bare": { most: 0.4 },
  "with 1,000 idle sessions and readers MiB": { most: 300 },
  "append, long ÷ empty": { most: 1.2 },
  "last 100 entries, long ÷ empty": { most: 1.2 },
  "npm start until ready ms": { most: 1000 },
}

const suites = [startFigures, logFigures, growthFigures, memoryFigures, firstTokenFigures]
const results: Record<string, number> = {}
const machine = {
  processor: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryGib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  loadBefore: loadavg()[0] ?? 0,
}
for (const suite of suites) {
  process.stderr.write(`bench: ${suite.name}\n`)
  Object.assign(results, await suite())
}

const rows = Object.entries(results).map(([figure, value]) => {
  const bar = bars[figure]
  const isMet = bar === undefined || (value <= (bar.most ?? value) && value >= (bar.least ?? value))
  const wanted = bar === undefined ? "" : bar.most === undefined ? `≥ ${bar.least}` : `≤ ${bar.most}`
  return {
    figure,
    value: Number(value.toPrecision(4)),
    bar: wanted,
    met: bar === undefined ? "" : isMet ? "yes" : "no",
  }
})
console.table(rows)
const folder = fileURLToPath(new URL("./results/", import.meta.url))
mkdirSync(folder, { recursive: true })
const at = new Date().toISOString()
writeFileSync(`${folder}${at.slice(0, 10)}.json`, `${JSON.stringify({ at, machine, rows }, null, 2)}\n`)
