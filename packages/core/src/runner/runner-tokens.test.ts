import type { LogId } from "@berth/protocol"
import { expect, it } from "vitest"
import { createRunnerTokens } from "./runner-tokens.ts"

const identity = { log: `log_${"0".repeat(26)}` as LogId, generation: 3, epoch: 7 }

it("gives back what it was issued for, also by another server with the same key", async () => {
  const key = new Uint8Array(32).fill(1)
  const token = await createRunnerTokens({ key }).issue(identity)
  expect(await createRunnerTokens({ key }).verify(token)).toEqual(identity)
  expect(await createRunnerTokens({ key: new Uint8Array(32).fill(2) }).verify(token)).toBeNull()
})

it("refuses a token with anything changed in it", async () => {
  const tokens = createRunnerTokens({ key: new Uint8Array(32).fill(1) })
  const token = await tokens.issue(identity)
  for (let index = 0; index < token.length; index += 1) {
    const character = token[index] === "A" ? "B" : "A"
    const changed = `${token.slice(0, index)}${character}${token.slice(index + 1)}`
    expect(await tokens.verify(changed)).toBeNull()
  }
  for (const junk of ["", "brt", `${token}.x`, token.replace(".3.", ".-3."), "x".repeat(10_000)]) {
    expect(await tokens.verify(junk)).toBeNull()
  }
})
