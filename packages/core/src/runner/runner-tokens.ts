import { isLogId, type LogId } from "@berth/protocol"

/** What a token is bound to: one sandbox of one log, under one lease. */
export interface RunnerIdentity {
  readonly log: LogId
  readonly generation: number
  readonly epoch: number
}

export interface RunnerTokens {
  issue(identity: RunnerIdentity): Promise<string>
  /** Null for anything that was not issued with the same key. */
  verify(token: string): Promise<RunnerIdentity | null>
}

const encoder = new TextEncoder()
const tokenPattern = /^brt\.(log_[0-9a-z]{26})\.(\d{1,15})\.(\d{1,15})\.([A-Za-z0-9_-]{43})$/
/** Verified tokens, so that a busy runner costs one signature, not one a request. */
const cacheSize = 10_000

/** Tokens of runners: HMAC-SHA-256 over (log, generation, epoch). `key` holds 32 random bytes or more. */
export function createRunnerTokens(options: { readonly key: Uint8Array }): RunnerTokens {
  const algorithm = { name: "HMAC", hash: "SHA-256" }
  const key = crypto.subtle.importKey("raw", new Uint8Array(options.key), algorithm, false, [
    "sign",
    "verify",
  ])
  const known = new Map<string, RunnerIdentity>()

  const remember = (token: string, identity: RunnerIdentity): void => {
    if (known.size >= cacheSize) {
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    }
    known.set(token, identity)
  }

  return {
    async issue(identity) {
      const text = claims(identity)
      const mac = await crypto.subtle.sign("HMAC", await key, encoder.encode(text))
      return `${text}.${toBase64Url(new Uint8Array(mac))}`
    },
    async verify(token) {
      const cached = known.get(token)
      if (cached !== undefined) return cached
      const match = tokenPattern.exec(token)
      if (match === null) return null
      const [, log = "", generation, epoch, mac = ""] = match
      if (!isLogId(log)) return null
      const identity = { log, generation: Number(generation), epoch: Number(epoch) }
      const text = encoder.encode(claims(identity))
      const bytes = fromBase64Url(mac)
      // The last character holds bits that no byte uses: one token has one spelling.
      if (toBase64Url(bytes) !== mac) return null
      if (!(await crypto.subtle.verify("HMAC", await key, bytes, text))) return null
      remember(token, identity)
      return identity
    },
  }
}

function claims(identity: RunnerIdentity): string {
  return `brt.${identity.log}.${identity.generation}.${identity.epoch}`
}

function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
