import { readCount } from "./read-count.ts"
import { noUsage, type AnswerReader, type TokenUsage } from "./upstream.ts"

/**
 * generateContent: `usageMetadata` in a JSON answer, in each event of a stream (cumulative), or in
 * each item of the array that a stream without `alt=sse` is.
 */
export const answerGoogle: AnswerReader = {
  paths: [[], ["[]"]].flatMap((base) => [
    [...base, "usageMetadata"],
    [...base, "modelVersion"],
    [...base, "candidates", "[]", "finishReason"],
    [...base, "promptFeedback", "blockReason"],
    [...base, "error", "status"],
  ]),
  fold: (tally, found) => {
    const read = (path: string): unknown => found.get(path)?.value ?? found.get(`[].${path}`)?.value
    const usage = read("usageMetadata")
    const model = read("modelVersion")
    const failure = read("error.status")
    const isFinal = read("candidates.[].finishReason") ?? read("promptFeedback.blockReason")
    return {
      usage: usage === undefined ? tally.usage : readUsage(usage),
      model: typeof model === "string" ? model : tally.model,
      isFinal: tally.isFinal || typeof isFinal === "string",
      failure: typeof failure === "string" ? failure : tally.failure,
    }
  },
}

function readUsage(usage: unknown): TokenUsage {
  const cached = readCount(usage, "cachedContentTokenCount")
  const prompt = readCount(usage, "promptTokenCount") + readCount(usage, "toolUsePromptTokenCount")
  return {
    ...noUsage,
    inputTokens: Math.max(0, prompt - cached),
    cacheReadTokens: Math.min(prompt, cached),
    outputTokens: readCount(usage, "candidatesTokenCount") + readCount(usage, "thoughtsTokenCount"),
  }
}
