import { describe, expect, it } from "vitest"
import { simulate } from "./simulate.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }
/** More, on demand: `BERTH_SIMULATION_SEEDS=200 npx vitest run tests/simulation`. */
const seeds = Number(process.env["BERTH_SIMULATION_SEEDS"] ?? 5)
const stepsPerSeed = 25_000

// Each of these mutations of core makes it fail, so it can: repeats not dropped, no check of the epoch, keys
// not looked up, commands left accepted by a lost sandbox, a prompt sent before its acceptance is durable.

describe("store, runner and reconcile, simulated", () => {
  it.each(Array.from({ length: seeds }, (_, index) => index + 1))(
    "seed %i holds the invariants",
    async (seed) => {
      const result = await simulate(seed, stepsPerSeed, silent)
      expect(result.faults).toEqual([])
      expect(result.steps).toBeGreaterThanOrEqual(stepsPerSeed)
      // A simulation in which nothing happens proves nothing.
      expect(result.prompts).toBeGreaterThan(20)
      expect(result.serverKills).toBeGreaterThan(3)
      expect(result.runnerKills).toBeGreaterThan(5)
    },
    120_000,
  )

  it("does the same again for the same seed", async () => {
    const [first, second] = [await simulate(9, 4_000, silent), await simulate(9, 4_000, silent)]
    expect(second).toEqual(first)
  }, 60_000)
})
