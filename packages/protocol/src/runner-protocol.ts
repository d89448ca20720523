import { z } from "zod"

/**
 * Server ↔ runner, over HTTP under `/internal/logs/{log}`, with a bearer token that is bound to one
 * (log, generation, epoch). Internal: versioned by `runnerProtocolVersion`, spoken N and N−1.
 *
 *   POST attach            attachRequest → Attachment (core/runner/runner-link.ts) as JSON
 *   GET  commands?after=   SSE; `data:` holds one entry of a client or of our side
 *   POST append?firstN=    NDJSON, one entry body a line → {lastN}
 *   POST renew             → {leaseTtlMs}
 *   POST restored          restoredRequest → {}
 *   POST release           releaseRequest → {}
 *   POST blobs/missing     {hashes} → {missing}
 *   PUT, GET blobs/{hash}  the bytes
 *
 * And for the gateway, over the server's own Unix socket: POST /internal/reports, NDJSON of
 * `gatewayReport` → {accepted: [ids]}.
 */
export const attachRequest = z.object({
  protocol: z.number().int(),
  isolation: z.looseObject({ level: z.string() }),
})
export const restoredRequest = z.object({ snapshotSeq: z.number().int().min(0) })
export const releaseRequest = z.object({ reason: z.string().max(1024) })

export const gatewayReport = z.looseObject({
  id: z.string().min(1).max(200),
  logId: z.string(),
  type: z.enum(["usage", "model_stream_cut", "budget", "refused"]),
})
export type GatewayReport = z.infer<typeof gatewayReport>
