import type { Clock } from "@berth/core"
import { createSigner } from "./signature.ts"

const cookieName = "berth_session"
const lifetimeSeconds = 7 * 86_400

/** Cookies that stand for an API key in a browser, which can send no headers with an EventSource. */
export interface SessionCookies {
  /** The Set-Cookie value. */
  issue(keyId: string, options: { readonly isSecure: boolean }): Promise<string>
  clear(): string
  /** The key's id, or null when the request has no cookie of ours. `false` when it has a wrong one. */
  read(request: Request): Promise<string | null | false>
}

export function createSessionCookies(options: {
  readonly secret: Uint8Array
  readonly clock: Clock
}): SessionCookies {
  const { clock } = options
  const signer = createSigner(options.secret)
  const attributes = "Path=/; HttpOnly; SameSite=Strict"
  return {
    async issue(keyId, { isSecure }) {
      const expires = Math.floor(clock.now() / 1000) + lifetimeSeconds
      const text = `${expires}.${encodeURIComponent(keyId)}`
      const value = `${await signer.sign(text)}.${text}`
      return `${cookieName}=${value}; Max-Age=${lifetimeSeconds}; ${attributes}${isSecure ? "; Secure" : ""}`
    },
    clear: () => `${cookieName}=; Max-Age=0; ${attributes}`,
    async read(request) {
      const value = findCookie(request.headers.get("cookie") ?? "")
      if (value === null) return null
      const match = /^([A-Za-z0-9_-]{43})\.((\d{1,12})\.([A-Za-z0-9%._~-]{1,300}))$/.exec(value)
      if (match === null) return false
      const [, signature = "", text = "", expires, keyId = ""] = match
      if (!(await signer.verify(text, signature))) return false
      return Number(expires) * 1000 > clock.now() ? decodeURIComponent(keyId) : false
    },
  }
}

function findCookie(header: string): string | null {
  for (const pair of header.split(";")) {
    const [name, ...value] = pair.split("=")
    if (name?.trim() === cookieName) return value.join("=").trim()
  }
  return null
}
