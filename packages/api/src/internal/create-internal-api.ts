import { AppError, type RunnerDoor } from "@berth/core"
import {
  attachRequest,
  blobHashPattern,
  limits,
  releaseRequest,
  restoredRequest,
  runnerProtocolVersion,
  type BlobHash,
} from "@berth/protocol"
import { Hono, type Context } from "hono"
import { z } from "zod"
import { checkShape } from "../http/check-shape.ts"
import { errorResponse } from "../http/error-response.ts"
import { decodeUtf8, readBody, readJson } from "../http/read-json.ts"
import { createByteStream } from "../stream/byte-stream.ts"
import { createHeartbeat } from "../stream/heartbeat.ts"
import { controlFrame, heartbeatFrame, openingFrame, sseHeaders } from "../stream/sse-frame.ts"
import { createAppendHandler } from "./append-handler.ts"
import { createDoorKeeper } from "./door-keeper.ts"
import type { InternalApiOptions } from "./internal-options.ts"
import { takeReports } from "./take-reports.ts"

const missingRequest = z.object({ hashes: z.array(z.string().regex(blobHashPattern)).max(10_000) })
const blobHash = z.string().regex(blobHashPattern)
const base = "/internal/logs/:log"

/**
 * What runners and the gateway call: `protocol/runner-protocol.ts`. To be served on the server's own
 * Unix socket only; `/internal/reports` asks for no token, since nobody else reaches that socket.
 */
export function createInternalApi(options: InternalApiOptions): Hono {
  const { clock, logger } = options
  const api = new Hono()
  const openDoor = createDoorKeeper(options)
  const append = createAppendHandler(openDoor)
  const heartbeat = createHeartbeat({ clock, intervalMs: limits.heartbeatMs })

  const door = (context: Context): Promise<RunnerDoor> =>
    openDoor(context.req.header("authorization") ?? null, context.req.param("log") ?? "")
  const body = (context: Context): Promise<unknown> => readJson(context.req.raw, { isOptional: false })

  api.post(`${base}/append`, async (context) => {
    const result = await append({
      log: context.req.param("log"),
      authorization: context.req.header("authorization") ?? null,
      firstN: context.req.query("firstN") ?? null,
      body: await readBody(context.req.raw, limits.appendBatchBytes),
    })
    return context.json(result)
  })

  api.post(`${base}/attach`, async (context) => {
    const runner = await door(context)
    const { protocol, isolation } = checkShape(attachRequest, await body(context))
    if (protocol !== runnerProtocolVersion && protocol !== runnerProtocolVersion - 1) {
      throw new AppError(
        "unsupported",
        `This server speaks version ${runnerProtocolVersion} and the one before.`,
      )
    }
    return context.json(await runner.attach({ isolation }))
  })

  api.get(`${base}/commands`, async (context) => {
    const runner = await door(context)
    const after = checkShape(z.coerce.number().int().min(0), context.req.query("after") ?? "0")
    const frames = (signal: AbortSignal) => commandFrames(runner, after, signal)
    const stream = createByteStream(frames, { logger, heartbeat, beat: heartbeatFrame })
    return new Response(stream, { headers: sseHeaders })
  })

  api.post(`${base}/renew`, async (context) => {
    await (await door(context)).renew()
    return context.json({ leaseTtlMs: limits.leaseTtlMs })
  })

  api.post(`${base}/restored`, async (context) => {
    const runner = await door(context)
    await runner.restored(checkShape(restoredRequest, await body(context)).snapshotSeq)
    return context.json({})
  })

  api.post(`${base}/release`, async (context) => {
    const runner = await door(context)
    await runner.release(checkShape(releaseRequest, await body(context)).reason)
    return context.json({})
  })

  api.post(`${base}/blobs/missing`, async (context) => {
    const runner = await door(context)
    const { hashes } = checkShape(missingRequest, await body(context))
    return context.json({ missing: await runner.blobs.missing(hashes as BlobHash[]) })
  })

  api.put(`${base}/blobs/:hash`, async (context) => {
    const runner = await door(context)
    const hash = checkShape(blobHash, context.req.param("hash")) as BlobHash
    await runner.blobs.put(hash, context.req.raw.body ?? new Blob([]).stream())
    return context.json({ hash })
  })

  api.get(`${base}/blobs/:hash`, async (context) => {
    const runner = await door(context)
    const content = await runner.blobs.get(checkShape(blobHash, context.req.param("hash")) as BlobHash)
    if (content === null) throw new AppError("blob_not_found", "There is no such blob.")
    return new Response(content, { headers: { "content-type": "application/octet-stream" } })
  })

  api.post("/internal/reports", async (context) => {
    const text = decodeUtf8(await readBody(context.req.raw, limits.appendBatchBytes))
    return context.json(await takeReports(options, text))
  })

  api.notFound(() => {
    throw new AppError("not_found", "There is nothing at this address.")
  })
  api.onError((error, context) => {
    const { method, path } = context.req
    return errorResponse(error, { method, path }, logger)
  })
  return api
}

async function* commandFrames(
  runner: RunnerDoor,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  yield openingFrame
  for await (const entries of runner.commands(after, { signal })) {
    yield entries.map((entry) => `id: ${entry.seq}\ndata: ${JSON.stringify(entry)}\n\n`).join("")
  }
  if (!signal.aborted) yield controlFrame("end", { reason: "closed" })
}
