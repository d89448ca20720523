import fc from "fast-check"
import { expect, test } from "vitest"
import { matchRoute } from "./match-route.ts"
import { upstreamNames, upstreamTable, type UpstreamName } from "./upstream-table.ts"

function match(name: UpstreamName, method: string, rest: string): string | null {
  return matchRoute(upstreamTable[name], method, rest)?.pathAndQuery ?? null
}

test.each<[UpstreamName, string, string, string]>([
  ["anthropic", "POST", "/v1/messages?beta=true", "/v1/messages?beta=true"],
  ["anthropic", "POST", "/v1/messages", "/v1/messages"],
  ["anthropic", "POST", "/v1/messages/count_tokens?beta=true", "/v1/messages/count_tokens?beta=true"],
  ["anthropic", "GET", "/v1/models?limit=5&api_key=x", "/v1/models?limit=5"],
  ["anthropic", "GET", "/v1/models/claude-x-4.5", "/v1/models/claude-x-4.5"],
  ["anthropic", "HEAD", "/", "/"],
  ["anthropic", "HEAD", "", "/"],
  ["openai", "POST", "/v1/responses", "/v1/responses"],
  ["openai", "POST", "/v1/chat/completions", "/v1/chat/completions"],
  ["openai", "POST", "/v1/embeddings", "/v1/embeddings"],
  ["openai", "GET", "/v1/models", "/v1/models"],
  [
    "google",
    "POST",
    "/v1beta/models/gemini-x:streamGenerateContent?alt=sse&key=theirs&%24httpMethod=DELETE",
    "/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
  ],
  ["google", "POST", "/v1beta/models/gemini-x%3AgenerateContent", "/v1beta/models/gemini-x:generateContent"],
  ["google", "POST", "/v1beta/models/gemini-x:countTokens", "/v1beta/models/gemini-x:countTokens"],
  ["google", "GET", "/v1beta/models", "/v1beta/models"],
])("%s %s %s is allowed", (name, method, rest, expected) => {
  expect(match(name, method, rest)).toBe(expected)
})

test.each<[UpstreamName, string, string]>([
  ["anthropic", "GET", "/v1/messages"],
  ["anthropic", "DELETE", "/v1/models/x"],
  ["anthropic", "POST", "/v1/organizations"],
  ["anthropic", "POST", "/v1/messages/batches"],
  ["anthropic", "POST", "/v1/messages/"],
  ["anthropic", "POST", "//v1/messages"],
  ["anthropic", "POST", "/v1//messages"],
  ["anthropic", "POST", "/v1/./messages"],
  ["anthropic", "POST", "/v1/x/../messages"],
  ["anthropic", "GET", "/v1/models/.."],
  ["anthropic", "GET", "/v1/models/%2e%2e"],
  ["anthropic", "GET", "/v1/models/%2E%2e/organizations"],
  ["anthropic", "GET", "/v1/models/%252e%252e"],
  ["anthropic", "GET", "/v1/models/..%2forganizations"],
  ["anthropic", "GET", "/v1/models/..%5corganizations"],
  ["anthropic", "GET", String.raw`/v1/models/..\organizations`],
  ["anthropic", "GET", "/v1/models/a%00"],
  ["anthropic", "GET", "/v1/models/a%0d%0ax"],
  ["anthropic", "GET", "/v1/models/%"],
  ["anthropic", "GET", "/v1/models/a;b"],
  ["anthropic", "GET", "/v1/models#x"],
  ["anthropic", "GET", "v1/models"],
  ["openai", "POST", "/v1/files"],
  ["openai", "GET", "/v1/responses/resp_1"],
  ["openai", "POST", "/v1/responses%2fcompact"],
  ["google", "POST", "/v1beta/models/gemini-x:batchGenerateContent"],
  ["google", "POST", "/v1beta/models/a:b:generateContent"],
  ["google", "POST", "/v1beta/cachedContents"],
  ["google", "POST", "/v1beta/tunedModels/x:generateContent"],
])("%s %s %s is refused", (name, method, rest) => {
  expect(match(name, method, rest)).toBeNull()
})

test("what is sent stays within the allow-list, whatever was asked", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "v1",
      "v1beta",
      "models",
      "messages",
      "/",
      "//",
      ".",
      "..",
      "%2e",
      "%2f",
      "%5c",
      ":",
      "?",
      "a",
    ),
    fc.string({ maxLength: 4 }),
  )
  const allowed = /^\/(v1\/[a-z]+(\/[A-Za-z0-9._~@-]+)?|v1beta\/models(\/[A-Za-z0-9._~@:-]+)?)?(\?[^#\s]*)?$/
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 10 }),
      fc.constantFrom("GET", "POST", "HEAD"),
      (pieces, method) => {
        for (const name of upstreamNames) {
          const sent = match(name, method, `/${pieces.join("")}`)
          if (sent === null) continue
          expect(sent).toMatch(allowed)
          expect(new URL(sent, "http://host").pathname).toBe(sent.split("?")[0])
        }
      },
    ),
    { numRuns: 2000 },
  )
})
