import { serverEntry, type NewEntry } from "@berth/core"
import { usageNumbers, type GatewayReport, type SessionId } from "@berth/protocol"
import { z } from "zod"

/** Much in a report was chosen in a sandbox: a model's name, a path. None of it may fill an entry. */
const word = (length: number) => z.string().transform((text) => text.slice(0, length))
const amounts = z.record(z.string().max(64), z.number())
const usage = z.object({
  callId: word(200),
  upstream: word(64),
  model: word(256).optional(),
  usage: usageNumbers,
  isEstimate: z.boolean().default(false),
})
const cut = z.object({ upstream: word(64), reason: word(2_000) })
const budget = z.object({ state: z.enum(["ok", "exhausted"]), limit: amounts, spent: amounts })
const refused = z.object({
  kind: word(64),
  host: word(256),
  port: z.number().nullable().default(null),
  target: word(2_000).nullable().default(null),
  message: word(2_000),
  suppressed: z.number().default(0),
})

/** Pure. What the gateway reports, as an entry of our side; null when it is out of shape. */
export function reportEntry(report: GatewayReport, sessionId: SessionId): NewEntry | null {
  switch (report.type) {
    case "usage": {
      const read = usage.safeParse(report)
      if (!read.success) return null
      const { isEstimate, model, ...rest } = read.data
      const named = {
        ...rest,
        ...(model === undefined ? {} : { model }),
        ...(isEstimate ? { estimated: true } : {}),
      }
      return serverEntry({ method: "_berth/usage", params: { sessionId, ...named } })
    }
    case "model_stream_cut": {
      const read = cut.safeParse(report)
      return read.success
        ? serverEntry({ method: "_berth/model_stream_cut", params: { sessionId, ...read.data } })
        : null
    }
    case "budget": {
      const read = budget.safeParse(report)
      return read.success
        ? serverEntry({ method: "_berth/budget", params: { sessionId, ...read.data } })
        : null
    }
    case "refused": {
      const read = refused.safeParse(report)
      if (!read.success) return null
      const { message, ...details } = read.data
      return serverEntry({
        method: "_berth/error",
        params: { sessionId, code: `${details.kind}_refused`, message, details },
      })
    }
  }
}
