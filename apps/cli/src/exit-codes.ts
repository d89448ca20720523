import type { Ending } from "./session/turn-tracker.ts"

/** What `berth run` ends with. */
export const exitCodes: Readonly<Record<Ending, number>> = {
  completed: 0,
  failed: 1,
  declined: 1,
  closed: 1,
  interrupted: 3,
  lost: 4,
  awaiting_input: 5,
  cancelled: 130,
  left: 130,
}
