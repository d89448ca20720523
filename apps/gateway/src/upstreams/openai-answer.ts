import { readCount } from "./read-count.ts"
import { noUsage, type AnswerReader, type TokenUsage } from "./upstream.ts"

const lastEvents = ["response.completed", "response.incomplete", "response.failed"]

/**
 * Responses, chat completions and embeddings. A JSON answer holds `usage`; a stream of responses
 * tells it in its last event, one of chat in a last chunk where `stream_options.include_usage` is set.
 */
export const answerOpenai: AnswerReader = {
  paths: [
    ["type"],
    ["model"],
    ["usage"],
    ["error"],
    ["response", "model"],
    ["response", "usage"],
    ["response", "error", "code"],
    ["choices", "[]", "finish_reason"],
  ],
  fold: (tally, found) => {
    const read = (path: string): unknown => found.get(path)?.value
    const type = read("type")
    const model = read("model") ?? read("response.model")
    const usage = read("usage") ?? read("response.usage")
    const isFinal =
      typeof type === "string"
        ? lastEvents.includes(type)
        : isObject(usage) || typeof read("choices.[].finish_reason") === "string"
    return {
      usage: isObject(usage) ? readUsage(usage) : tally.usage,
      model: typeof model === "string" ? model : tally.model,
      isFinal: tally.isFinal || isFinal,
      failure: readFailure(type, read("response.error.code"), read("error")) ?? tally.failure,
    }
  },
}

function readFailure(type: unknown, code: unknown, error: unknown): string | null {
  if (type === "response.failed") return typeof code === "string" ? code : "response.failed"
  return type === "error" || (type === undefined && isObject(error)) ? "error" : null
}

function readUsage(usage: object): TokenUsage {
  const cached =
    readCount(usage, "input_tokens_details", "cached_tokens") ||
    readCount(usage, "prompt_tokens_details", "cached_tokens")
  const input = readCount(usage, "input_tokens") || readCount(usage, "prompt_tokens")
  return {
    ...noUsage,
    inputTokens: Math.max(0, input - cached),
    cacheReadTokens: Math.min(input, cached),
    outputTokens: readCount(usage, "output_tokens") || readCount(usage, "completion_tokens"),
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}
