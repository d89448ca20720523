import { networkPolicy } from "@berth/protocol"
import { z } from "zod"
import { upstreamNames } from "../upstreams/upstream-table.ts"

const amount = z.number().min(0)

/** Body of `PUT /grants/{logId}/{generation}`: what one sandbox may reach, and for how much. */
export const grantRequest = z.object({
  project: z.string().min(1).max(64),
  sessionId: z.string().min(1).max(128),
  network: networkPolicy,
  upstreams: z.array(z.enum(upstreamNames)),
  /** Of the whole log, in all its generations. A part that is absent is unlimited. */
  budget: z.object({ tokens: amount.optional(), usd: amount.optional() }).nullable(),
  /** What the log has used so far by the server's books: tokens of every kind, and US dollars. */
  spent: z.object({ tokens: amount, usd: amount }),
})
export type GrantRequest = z.infer<typeof grantRequest>

export interface GrantKey {
  readonly logId: string
  readonly generation: number
}

/** `directory` is to be mounted read-only at `/run/berth`; it holds `gateway.sock`. */
export const grantAnswer = z.object({ directory: z.string() })

export const healthAnswer = z.object({
  protocol: z.number(),
  version: z.string(),
  pid: z.number(),
  grants: z.number(),
  /** Of all sandboxes, tunnels included. */
  connections: z.number(),
  /** Reports that the server has not taken yet. */
  pendingReports: z.number(),
  /** Errors that nobody had foreseen; each is in the log. */
  faults: z.number(),
})
export type GatewayHealth = z.infer<typeof healthAnswer>
