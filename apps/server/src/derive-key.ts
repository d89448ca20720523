import { hkdfSync } from "node:crypto"

/** A key of its own for each use of the data directory's one secret (HKDF-SHA-256, RFC 5869). */
export function deriveKey(secret: Uint8Array, use: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), `berth/${use}`, 32))
}
