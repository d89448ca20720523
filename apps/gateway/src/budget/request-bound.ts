import { createJsonScanner, type JsonFindings } from "../json/json-scanner.ts"
import type { RequestPaths } from "../upstreams/upstream.ts"
import type { ModelPrice } from "./price.ts"

/** What a request's body says about its cost. */
export interface RequestFacts {
  readonly model: string | null
  /** Null when the request sets no limit. 0 when its answer has no tokens. */
  readonly outputTokens: number | null
  readonly multiplier: number
  /** It draws in text that is not in the body. */
  readonly hasReferences: boolean
  readonly bodyBytes: number
}

export interface RequestReader {
  write(chunk: Uint8Array): void
  /** Null when the body is not JSON, or says twice what may be said once: nobody knows which counts. */
  end(): RequestFacts | null
}

/** Instructions that a service adds to a request by itself: for tools, for its format. */
const hiddenInputTokens = 2_000
const unknownOutputTokens = 128_000
const unknownContextTokens = 1_000_000

export function createRequestReader(paths: RequestPaths): RequestReader {
  const limits = paths.outputLimits ?? []
  const model = paths.model === null ? [] : [paths.model]
  const scanner = createJsonScanner({
    paths: [...model, ...limits, ...paths.multipliers, ...paths.references],
    captureBytes: 1024,
  })
  let bodyBytes = 0
  return {
    write(chunk) {
      bodyBytes += chunk.length
      scanner.write(chunk)
    },
    end() {
      const found = scanner.end()
      if (found === null || [...found.values()].some((finding) => finding.count > 1)) return null
      const modelName = paths.model === null ? null : valueAt(found, paths.model)
      return {
        model: typeof modelName === "string" ? modelName : null,
        outputTokens: paths.outputLimits === null ? 0 : highest(found, limits),
        multiplier: Math.max(1, highest(found, paths.multipliers) ?? 1),
        hasReferences: paths.references.some((path) => (valueAt(found, path) ?? null) !== null),
        bodyBytes,
      }
    },
  }
}

/** The most tokens a call can take: a token is at least one byte of the body it comes from. */
export function boundTokens(
  facts: RequestFacts,
  price: ModelPrice | null,
): { readonly inputTokens: number; readonly outputTokens: number } {
  const context = price?.contextTokens ?? unknownContextTokens
  const body = facts.bodyBytes + hiddenInputTokens
  const input = price?.contextTokens === undefined ? body : Math.min(body, context)
  const output = facts.outputTokens ?? price?.maxOutputTokens ?? unknownOutputTokens
  return {
    inputTokens: facts.hasReferences ? Math.max(input, context) : input,
    outputTokens: output * facts.multiplier,
  }
}

function valueAt(found: JsonFindings, path: readonly string[]): unknown {
  return found.get(path.join("."))?.value
}

/** The highest of the numbers at these paths; some services read a number in a string as well. */
function highest(found: JsonFindings, paths: readonly (readonly string[])[]): number | null {
  const numbers = paths
    .map((path) => valueAt(found, path))
    .filter((value) => typeof value === "number" || (typeof value === "string" && value.trim() !== ""))
    .map((value) => Math.ceil(Number(value)))
    .filter((number) => Number.isFinite(number) && number >= 0)
  return numbers.length === 0 ? null : Math.max(...numbers)
}
