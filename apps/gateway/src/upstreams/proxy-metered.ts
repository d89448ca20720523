import { AppError } from "@berth/core"
import type { Reservation } from "../budget/ledger.ts"
import { findPrice, highestPriceOf, type ModelPrice } from "../budget/price.ts"
import { boundTokens, createRequestReader, type RequestFacts } from "../budget/request-bound.ts"
import { chargeCall, type CallBound } from "../budget/settle-call.ts"
import { tellExhaustion } from "../grants/live-grant.ts"
import type { NewReport } from "../reports/report.ts"
import { createAnswerMeter, type AnswerMeter } from "./answer-meter.ts"
import { callUpstream, type CallEnd } from "./call-upstream.ts"
import { upstreamRequestHeaders } from "./forward-headers.ts"
import { holdBody, streamBody, type HeldBody } from "./held-body.ts"
import { answerFailure, type ProxiedCall } from "./proxied-call.ts"
import { refuseForBudget } from "./refuse-for-budget.ts"
import { totalTokens, type Meter } from "./upstream.ts"

/** A call's place in the books. */
interface OpenBooks {
  readonly callId: string
  readonly reservation: Reservation
  /** Null without a budget. */
  readonly bound: CallBound | null
}

/** What came back. */
interface Answer {
  status: number
  isStream: boolean
  meter: AnswerMeter | null
}

/**
 * A call that costs. With a budget the whole request is read first and its highest cost reserved;
 * without one it streams through. Either way what it took is read from the answer and reported.
 */
export async function proxyMetered(call: ProxiedCall, meter: Meter): Promise<void> {
  const { context, grant, request } = call
  checkBodyForm(call)
  const reader = createRequestReader(meter.request)
  const isLimited = grant.account.ledger.limit !== null
  const onChunk = (chunk: Uint8Array): void => reader.write(chunk)
  const held = isLimited ? await holdBody(request, [grant.account.memory, context.memory], onChunk) : null
  try {
    const facts = held === null ? null : readFacts(reader.end())
    const books = await openBooks(call, facts)
    const answer: Answer = { status: 0, isStream: false, meter: null }
    const end = await send(call, meter, held, answer, onChunk)
    answerFailure(call, end)
    const model = modelOf(call, facts ?? reader.end())
    await closeBooks(call, books, model, answer, end)
  } finally {
    held?.release()
  }
}

function checkBodyForm({ context, request }: ProxiedCall): void {
  const encoding = request.headers["content-encoding"] ?? "identity"
  const type = request.headers["content-type"] ?? "application/json"
  if (encoding !== "identity" || !/^application\/json\s*(;|$)/i.test(type)) {
    throw new AppError("unsupported_media_type", "Send the body as application/json, not compressed.")
  }
  if (context.spool.isFull()) {
    throw new AppError(
      "unavailable",
      "Usage cannot be booked until this server has taken what waits; try again.",
    )
  }
}

function readFacts(facts: RequestFacts | null): RequestFacts {
  if (facts !== null) return facts
  throw new AppError("bad_json", "The body is not valid JSON, or it sets its model or its limits twice.")
}

/** The model asked for; null when the request does not say. */
function modelOf({ matched }: ProxiedCall, facts: RequestFacts | null): string | null {
  return (matched.wildcard ?? facts?.model)?.slice(0, 256) ?? null
}

async function openBooks(call: ProxiedCall, facts: RequestFacts | null): Promise<OpenBooks> {
  const { context, grant, upstream } = call
  const callId = context.newId()
  const model = modelOf(call, facts)
  const price = priceFor(call, model)
  const bound = facts === null ? null : boundTokens(facts, price)
  const usd =
    price === null || bound === null ? 0 : highestPriceOf(price, bound.inputTokens, bound.outputTokens)
  const cost = { tokens: bound === null ? 0 : bound.inputTokens + bound.outputTokens, usd }
  const { ledger } = grant.account
  const isPriced = (ledger.limit?.usd ?? null) === null || price !== null
  if (bound !== null && !isPriced) {
    throw new AppError(
      "forbidden",
      "This model has no price on this server, so a budget in dollars cannot be kept.",
    )
  }
  const reservation = ledger.reserve(cost)
  if (reservation === null) throw refuseForBudget(grant, context.reporter, cost)
  try {
    const reserved = bound === null ? null : { ...bound, usd }
    await context.spool.openCall({ callId, ...grant.key, upstream: upstream.prefix, model, reserved })
  } catch (cause) {
    ledger.settle(reservation, { tokens: 0, usd: 0 })
    throw new AppError("unavailable", "The call cannot be booked: the server's disk refuses it.", { cause })
  }
  return { callId, reservation, bound }
}

function priceFor({ context }: ProxiedCall, model: string | null): ModelPrice | null {
  return model === null ? null : findPrice(context.config().prices, model)
}

function send(
  call: ProxiedCall,
  meter: Meter,
  held: HeldBody | null,
  answer: Answer,
  onChunk: (chunk: Uint8Array) => void,
): Promise<CallEnd> {
  const { context, request, response, matched, config } = call
  const headers = upstreamRequestHeaders(call.upstream, request.headers, config.apiKey)
  headers["content-type"] = "application/json"
  const length = held === null ? request.headers["content-length"] : String(held.sizeBytes)
  if (length !== undefined) headers["content-length"] = length
  const onAnswer = (status: number, contentType: string): void => {
    answer.status = status
    answer.isStream = contentType.toLowerCase().startsWith("text/event-stream")
    if (isSuccess(status)) answer.meter = createAnswerMeter(meter.answer, contentType)
  }
  return callUpstream(
    context.dispatcher,
    {
      baseUrl: config.baseUrl,
      pathAndQuery: matched.pathAndQuery,
      method: matched.route.method,
      headers,
      body: held === null ? streamBody(request, onChunk) : held.read(),
      secret: config.apiKey,
      onAnswer,
      onBytes: (chunk) => answer.meter?.write(chunk),
    },
    response,
  )
}

async function closeBooks(
  call: ProxiedCall,
  { callId, reservation, bound }: OpenBooks,
  asked: string | null,
  answer: Answer,
  end: CallEnd,
): Promise<void> {
  const { context, grant, upstream } = call
  const { ledger } = grant.account
  if (end.kind === "unsent" || (answer.status !== 0 && !isSuccess(answer.status))) {
    ledger.settle(reservation, { tokens: 0, usd: 0 })
    await context.reporter.send([], callId)
    return
  }
  const tally = answer.meter?.end() ?? { usage: null, model: null, isFinal: false, failure: null }
  const model = asked ?? tally.model
  const isWhole = end.kind === "answered" && tally.isFinal
  const charge = chargeCall(tally, isWhole, bound, priceFor(call, model))
  const { longCacheWriteTokens: _long, ...usage } = charge.usage
  ledger.settle(reservation, { tokens: totalTokens(charge.usage), usd: charge.usd ?? 0 })
  const base = { ...grant.key, callId, upstream: upstream.prefix }
  const reports: NewReport[] = []
  if (!charge.isEstimate || totalTokens(charge.usage) > 0) {
    reports.push({
      type: "usage",
      ...base,
      ...(model === null ? {} : { model }),
      usage: charge.usd === null ? usage : { ...usage, usd: charge.usd },
      isEstimate: charge.isEstimate,
      spent: { ...ledger.spent },
    })
  }
  const cut = cutReason(answer, end, tally)
  if (cut !== null) reports.push({ type: "model_stream_cut", ...base, reason: cut })
  context.keepSpent(grant)
  tellExhaustion(grant, context.reporter, false)
  await context.reporter.send(reports, callId)
}

/** Why a stream broke off by the upstream's doing; null when it did not. */
function cutReason(
  answer: Answer,
  end: CallEnd,
  tally: { readonly isFinal: boolean; readonly failure: string | null },
): string | null {
  if (end.kind === "cut") return end.isAnswered ? end.reason : null
  if (end.kind !== "answered" || !answer.isStream) return null
  return tally.failure ?? (tally.isFinal ? null : "the stream ended before its end")
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
