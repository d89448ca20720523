import fc from "fast-check"
import { expect, test } from "vitest"
import { createLedger, noCost, type Reservation } from "./ledger.ts"

test("refuses what might not fit, and takes it once there is room", () => {
  const ledger = createLedger()
  ledger.setLimit({ tokens: 100, usd: null })
  const first = ledger.reserve({ tokens: 60, usd: 5 })
  expect(first).not.toBeNull()
  expect(ledger.reserve({ tokens: 41, usd: 0 })).toBeNull()
  if (first !== null) ledger.settle(first, { tokens: 10, usd: 1 })
  expect(ledger.reserve({ tokens: 90, usd: 0 })).not.toBeNull()
  expect(ledger.spent).toEqual({ tokens: 10, usd: 1 })
})

test("keeps a limit of dollars and settles once", () => {
  const ledger = createLedger()
  ledger.setLimit({ tokens: null, usd: 1 })
  const call = ledger.reserve({ tokens: 1e9, usd: 1 })
  expect(ledger.isExhausted()).toBe(false)
  if (call === null) throw new Error("it fits")
  ledger.settle(call, { tokens: 5, usd: 1 })
  ledger.settle(call, { tokens: 5, usd: 1 })
  expect(ledger.spent.usd).toBe(1)
  expect(ledger.isExhausted()).toBe(true)
  ledger.setLimit(null)
  expect(ledger.isExhausted()).toBe(false)
})

test("spending never goes back", () => {
  const ledger = createLedger()
  ledger.raiseSpent({ tokens: 10, usd: 2 })
  ledger.raiseSpent({ tokens: 7, usd: 3 })
  expect(ledger.spent).toEqual({ tokens: 10, usd: 3 })
})

test("never spends over the limit when no call costs more than it reserved", () => {
  const step = fc.record({
    reserve: fc.nat({ max: 40 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    isSettled: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 200 }), (steps, limit) => {
      const ledger = createLedger()
      ledger.setLimit({ tokens: limit, usd: null })
      const open: { reservation: Reservation; spend: number }[] = []
      for (const { reserve, share, isSettled } of steps) {
        const reservation = ledger.reserve({ tokens: reserve, usd: 0 })
        if (reservation !== null) open.push({ reservation, spend: Math.floor(reserve * share) })
        const call = isSettled ? open.shift() : undefined
        if (call !== undefined) ledger.settle(call.reservation, { tokens: call.spend, usd: 0 })
        expect(ledger.spent.tokens + ledger.reserved.tokens).toBeLessThanOrEqual(limit)
      }
      for (const { reservation, spend } of open) ledger.settle(reservation, { tokens: spend, usd: 0 })
      expect(ledger.reserved).toEqual(noCost)
      expect(ledger.spent.tokens).toBeLessThanOrEqual(limit)
    }),
  )
})
