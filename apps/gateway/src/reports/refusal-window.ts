import { gatewayLimits } from "../gateway-limits.ts"

/** Which refusals are worth a report: a sandbox can be refused a thousand times a second. */
export interface RefusalWindow {
  /** The number left out since the last report, when this one is to be told; null when it is not. */
  admit(what: string): number | null
}

export function createRefusalWindow(now: () => number): RefusalWindow {
  const told = new Set<string>()
  let startedAt = now()
  let suppressed = 0
  return {
    admit(what) {
      if (now() - startedAt >= gatewayLimits.refusalWindowMs) {
        startedAt = now()
        told.clear()
      }
      if (told.has(what) || told.size >= gatewayLimits.refusalsPerWindow) {
        suppressed++
        return null
      }
      told.add(what)
      const leftOut = suppressed
      suppressed = 0
      return leftOut
    },
  }
}
