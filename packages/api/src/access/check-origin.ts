import { AppError } from "@berth/core"
import type { AccessOptions } from "../api-options.ts"

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
const forwardedHeaders = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-port",
  "x-real-ip",
]

/** A proxy that nobody told us of would make the whole world look local. */
export function refuseForwarded(request: Request, options: AccessOptions): void {
  if (options.trustForwardedHeaders) return
  const name = forwardedHeaders.find((header) => request.headers.has(header))
  if (name === undefined) return
  throw new AppError(
    "forbidden",
    `This server is not set up to stand behind a proxy (${name}). Configure it to trust forwarded headers.`,
    { details: { header: name } },
  )
}

/** The host as the caller named it; the first one forwarded, where that is trusted. */
export function hostOf(request: Request, options: AccessOptions): string {
  const forwarded = options.trustForwardedHeaders ? request.headers.get("x-forwarded-host") : null
  return (
    forwarded?.split(",")[0]?.trim() ??
    request.headers.get("host") ??
    new URL(request.url).host
  ).toLowerCase()
}

export function isSecure(request: Request, options: AccessOptions): boolean {
  const forwarded = options.trustForwardedHeaders ? request.headers.get("x-forwarded-proto") : null
  return (forwarded?.split(",")[0]?.trim() ?? new URL(request.url).protocol).startsWith("https")
}

export function isLoopbackHost(host: string): boolean {
  return loopbackHost.test(host)
}

/**
 * Whether a browser sends this on behalf of a page of ours, of a configured origin, or of the address
 * bar; programs that are no browser say nothing of it. Needed wherever no header proves a key.
 */
export function refuseForeignPage(request: Request, options: AccessOptions): void {
  const origin = request.headers.get("origin")
  if (origin !== null && options.corsOrigins.includes(origin)) return
  const site = request.headers.get("sec-fetch-site")
  const isForeignSite = site !== null && site !== "same-origin" && site !== "none"
  const isForeignOrigin = origin !== null && !isOwnOrigin(origin, hostOf(request, options))
  if (!isForeignSite && !isForeignOrigin) return
  throw new AppError("forbidden", "Pages of other origins may not call this server without an API key.")
}

function isOwnOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host.toLowerCase() === host
}
