import { usageNumbers } from "@berth/protocol"
import { z } from "zod"

const base = {
  /** Unique; the server takes a report once. */
  id: z.string().min(1).max(200),
  logId: z.string(),
  generation: z.number().int().min(0),
  /** ISO 8601, this host's clock. */
  at: z.string(),
}
const amounts = z.record(z.string(), z.number())

/** A finished model call. Becomes `_berth/usage`. */
const usageReport = z.object({
  ...base,
  type: z.literal("usage"),
  callId: z.string(),
  upstream: z.string(),
  model: z.string().optional(),
  usage: usageNumbers,
  /** The upstream did not say what it took: charged is what was reserved, or what was seen. */
  isEstimate: z.boolean(),
  /** Of this log in all, this call included: tokens of every kind, and US dollars. */
  spent: z.object({ tokens: z.number(), usd: z.number() }),
})

/** A model's stream ended before its end, and not by the sandbox's doing. */
const cutReport = z.object({
  ...base,
  type: z.literal("model_stream_cut"),
  callId: z.string(),
  upstream: z.string(),
  reason: z.string(),
})

/** Becomes `_berth/budget`: told when a call was refused or the limit is reached, and when it is raised. */
const budgetReport = z.object({
  ...base,
  type: z.literal("budget"),
  state: z.enum(["ok", "exhausted"]),
  limit: amounts,
  spent: amounts,
})

/** Something the sandbox asked for and may not have. */
const refusedReport = z.object({
  ...base,
  type: z.literal("refused"),
  kind: z.enum(["network", "upstream"]),
  /** The host, or the upstream's name. */
  host: z.string(),
  port: z.number().int().nullable(),
  /** Method and path, of an upstream. */
  target: z.string().nullable(),
  message: z.string(),
  /** Refusals since the last report that were not told one by one. */
  suppressed: z.number().int().min(0),
})

/** One line of `POST /internal/reports`. */
export const report = z.discriminatedUnion("type", [usageReport, cutReport, budgetReport, refusedReport])
export type Report = z.infer<typeof report>

type Without<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never
/** A report before it has its id and time. */
export type NewReport = Without<Report, "id" | "at">

/** `{accepted}` names the reports that the server holds durably, known ones included. */
export const reportsAnswer = z.object({ accepted: z.array(z.string()) })
