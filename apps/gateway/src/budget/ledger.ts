/** Tokens of every kind together, and US dollars. */
export interface Cost {
  readonly tokens: number
  readonly usd: number
}

/** A part that is null is unlimited. */
export interface BudgetLimit {
  readonly tokens: number | null
  readonly usd: number | null
}

export interface Reservation {
  readonly cost: Cost
}

/**
 * What one log may spend, has spent and may be spending now. Synchronous throughout: between the
 * question whether a call fits and its reservation nothing else can run.
 */
export interface Ledger {
  readonly limit: BudgetLimit | null
  readonly spent: Cost
  readonly reserved: Cost
  /** Null when the call might not fit. Without a limit everything does. */
  reserve(cost: Cost): Reservation | null
  /** Whether it would fit if no other call were running. */
  hasRoom(cost: Cost): boolean
  /** Puts what was spent in the place of what was reserved. Idempotent per reservation. */
  settle(reservation: Reservation, cost: Cost): void
  setLimit(limit: BudgetLimit | null): void
  /** Spending never goes back: the higher of what we know and what we are told. */
  raiseSpent(spent: Cost): void
  isExhausted(): boolean
}

export const noCost: Cost = { tokens: 0, usd: 0 }
export const unlimited: BudgetLimit = { tokens: null, usd: null }

export function createLedger(): Ledger {
  const open = new Set<Reservation>()
  let limit: BudgetLimit | null = null
  let spent = noCost
  let reserved = noCost

  function isWithinLimit({ tokens, usd }: Cost): boolean {
    const most = limit ?? unlimited
    return isWithin(tokens, most.tokens) && isWithin(usd, most.usd)
  }

  return {
    get limit() {
      return limit
    },
    get spent() {
      return spent
    },
    get reserved() {
      return reserved
    },
    reserve(cost) {
      if (!isWithinLimit(add(add(spent, reserved), cost))) return null
      const reservation = { cost }
      open.add(reservation)
      reserved = add(reserved, cost)
      return reservation
    },
    hasRoom: (cost) => isWithinLimit(add(spent, cost)),
    settle(reservation, cost) {
      if (!open.delete(reservation)) return
      reserved = open.size === 0 ? noCost : subtract(reserved, reservation.cost)
      spent = add(spent, cost)
    },
    setLimit(next) {
      limit = next
    },
    raiseSpent(told) {
      spent = { tokens: Math.max(spent.tokens, told.tokens), usd: Math.max(spent.usd, told.usd) }
    },
    isExhausted() {
      const { tokens, usd } = limit ?? unlimited
      return (tokens !== null && spent.tokens >= tokens) || (usd !== null && spent.usd >= usd)
    },
  }
}

function add(one: Cost, other: Cost): Cost {
  return { tokens: one.tokens + other.tokens, usd: one.usd + other.usd }
}

function subtract(one: Cost, other: Cost): Cost {
  return { tokens: Math.max(0, one.tokens - other.tokens), usd: Math.max(0, one.usd - other.usd) }
}

function isWithin(amount: number, limit: number | null): boolean {
  return limit === null || amount <= limit
}
