import type { Route, Upstream } from "./upstream.ts"

export interface MatchedRoute {
  readonly route: Route
  /** As it is sent: rebuilt from what was matched, so that nothing unseen can be in it. */
  readonly pathAndQuery: string
  /** What stood for the first `*`; null when there is none. */
  readonly wildcard: string | null
}

const segmentPattern = /^[A-Za-z0-9._~:@-]+$/

/**
 * The route of a request, `rest` being its target behind the prefix; null when the allow-list has
 * none. Each segment is decoded once and must then be plain, so encoded dots and slashes, `//`,
 * backslashes and what is encoded twice match nothing.
 */
export function matchRoute(upstream: Upstream, method: string, rest: string): MatchedRoute | null {
  const queryAt = rest.indexOf("?")
  const segments = readSegments(queryAt < 0 ? rest : rest.slice(0, queryAt))
  if (segments === null) return null
  const path = `/${segments.join("/")}`
  for (const route of upstream.routes) {
    if (route.method !== method) continue
    const match = routePattern(route.path).exec(path)
    if (match === null) continue
    const query = keepQuery(queryAt < 0 ? "" : rest.slice(queryAt + 1), route.query)
    return { route, pathAndQuery: path + query, wildcard: match[1] ?? null }
  }
  return null
}

function readSegments(path: string): readonly string[] | null {
  if (path === "" || path === "/") return []
  if (!path.startsWith("/")) return null
  const segments = path.slice(1).split("/").map(decodeSegment)
  return segments.every((segment) => segment !== null) ? segments : null
}

function decodeSegment(segment: string): string | null {
  try {
    const text = decodeURIComponent(segment)
    return segmentPattern.test(text) && text !== "." && text !== ".." ? text : null
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}

/** A `*` takes no colon: in Google's paths that begins the method. */
function routePattern(path: string): RegExp {
  const escaped = path.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll("*", "([^/:]+)")}$`)
}

function keepQuery(query: string, allowed: readonly string[]): string {
  const kept = new URLSearchParams()
  for (const [name, value] of new URLSearchParams(query)) {
    if (allowed.includes(name)) kept.append(name, value)
  }
  return kept.size === 0 ? "" : `?${kept.toString()}`
}
