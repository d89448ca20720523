import { readCount } from "./read-count.ts"
import { noUsage, type AnswerReader, type TokenUsage } from "./upstream.ts"

/**
 * Messages API: a JSON answer holds `usage`; a stream tells it in `message_start` and, cumulative, in
 * each `message_delta`, and ends with `message_stop`.
 */
export const answerAnthropic: AnswerReader = {
  paths: [["type"], ["model"], ["usage"], ["message", "model"], ["message", "usage"], ["error", "type"]],
  fold: (tally, found) => {
    const type = found.get("type")?.value
    const model = found.get("model")?.value ?? found.get("message.model")?.value
    const usage = found.get("usage")?.value ?? found.get("message.usage")?.value
    const failure = found.get("error.type")?.value
    return {
      usage: usage === undefined ? tally.usage : mergeUsage(tally.usage ?? noUsage, usage),
      model: typeof model === "string" ? model : tally.model,
      isFinal: tally.isFinal || type === "message_stop" || type === "message",
      failure: type === "error" ? (typeof failure === "string" ? failure : "error") : tally.failure,
    }
  },
}

function mergeUsage(usage: TokenUsage, more: unknown): TokenUsage {
  return {
    inputTokens: Math.max(usage.inputTokens, readCount(more, "input_tokens")),
    outputTokens: Math.max(usage.outputTokens, readCount(more, "output_tokens")),
    cacheReadTokens: Math.max(usage.cacheReadTokens, readCount(more, "cache_read_input_tokens")),
    cacheWriteTokens: Math.max(usage.cacheWriteTokens, readCount(more, "cache_creation_input_tokens")),
    longCacheWriteTokens: Math.max(
      usage.longCacheWriteTokens,
      readCount(more, "cache_creation", "ephemeral_1h_input_tokens"),
    ),
  }
}
