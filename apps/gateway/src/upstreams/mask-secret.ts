import { Transform } from "node:stream"

/** What is shorter is a placeholder: masking it would deface answers and protect nothing. */
const shortestSecret = 8

/** Replaces a secret by asterisks of the same length, so that lengths told before stay true. */
export function maskText(text: string, secret: string): string {
  if (secret.length < shortestSecret) return text
  return text.replaceAll(secret, "*".repeat(secret.length))
}

/**
 * The same for a stream. Bytes pass at once, except a tail that may be the beginning of the secret:
 * it waits for what follows. `onBytes` sees the upstream's bytes.
 */
export function createSecretMask(secret: string, onBytes: (chunk: Uint8Array) => void): Transform {
  const needle = Buffer.from(secret.length < shortestSecret ? "" : secret)
  const stars = Buffer.alloc(needle.length, "*")
  let held = Buffer.alloc(0)
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk)
      if (needle.length === 0) {
        done(null, chunk)
        return
      }
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      let masked = bytes
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
        if (masked === bytes) masked = Buffer.from(bytes)
        stars.copy(masked, at)
      }
      const keep = tailLength(masked, needle)
      held = Buffer.from(masked.subarray(masked.length - keep))
      done(null, keep === masked.length ? undefined : masked.subarray(0, masked.length - keep))
    },
    flush(done) {
      done(null, held.length === 0 ? undefined : held)
    },
  })
}

/** How many of the last bytes are a beginning of `needle`. */
function tailLength(bytes: Buffer, needle: Buffer): number {
  for (let length = Math.min(needle.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(needle.subarray(0, length))) return length
  }
  return 0
}
