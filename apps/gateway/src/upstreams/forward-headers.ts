import type { IncomingHttpHeaders } from "node:http"
import type { Upstream } from "./upstream.ts"

type Headers = Record<string, string | string[]>

/**
 * Of a sandbox's headers only these and the row's go to an upstream: what is not named is dropped, so
 * no credential, cookie, forwarding or method-override header can be forgotten.
 */
const commonRequestHeaders = [
  "accept",
  "accept-language",
  "content-type",
  "user-agent",
  "idempotency-key",
  "x-request-id",
  "x-client-request-id",
  "x-app",
  "x-stainless-*",
  "x-claude-code-*",
]

/** Of an upstream's headers these stay here: they name the operator, or speak of another connection. */
const droppedResponseHeaders = new Set([
  "set-cookie",
  "alt-svc",
  "strict-transport-security",
  "anthropic-organization-id",
  "openai-organization",
  "openai-project",
])

/** RFC 9110, 7.6.1. Those named in `Connection` are hop-by-hop too. */
const hopByHopHeaders = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
])

export function upstreamRequestHeaders(
  upstream: Upstream,
  headers: IncomingHttpHeaders,
  apiKey: string,
): Headers {
  const kept: Headers = {}
  const patterns = [...commonRequestHeaders, ...upstream.requestHeaders]
  const isKept = (name: string): boolean =>
    patterns.some((pattern) =>
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    )
  for (const [name, value] of Object.entries(endToEndHeaders(headers))) {
    if (isKept(name)) kept[name] = value
  }
  // Usage is read from the answer as it passes by.
  kept["accept-encoding"] = "identity"
  kept[upstream.credential.header] = upstream.credential.scheme + apiKey
  return kept
}

/** The headers of an upstream's answer for the sandbox, `mask` taking the operator's key out. */
export function sandboxResponseHeaders(
  headers: IncomingHttpHeaders,
  mask: (text: string) => string,
): Headers {
  const kept: Headers = {}
  for (const [name, value] of Object.entries(endToEndHeaders(headers))) {
    if (droppedResponseHeaders.has(name)) continue
    kept[name] = typeof value === "string" ? mask(value) : value.map(mask)
  }
  return kept
}

/** All but the hop-by-hop headers. */
export function endToEndHeaders(headers: IncomingHttpHeaders): Headers {
  const named = String(headers.connection ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
  const kept: Headers = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || hopByHopHeaders.has(name) || named.includes(name)) continue
    kept[name] = value
  }
  return kept
}
