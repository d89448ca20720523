const encoder = new TextEncoder()

/** HMAC-SHA-256 over short texts, as base64url. */
export interface Signer {
  sign(text: string): Promise<string>
  verify(text: string, signature: string): Promise<boolean>
}

/** `secret` holds 32 random bytes or more. */
export function createSigner(secret: Uint8Array): Signer {
  const algorithm = { name: "HMAC", hash: "SHA-256" }
  const key = crypto.subtle.importKey("raw", new Uint8Array(secret), algorithm, false, ["sign"])
  const sign = async (text: string): Promise<string> => {
    const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", await key, encoder.encode(text)))
    return btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/=+$/, "")
  }
  return {
    sign,
    verify: async (text, signature) => isSameText(await sign(text), signature),
  }
}

/** Takes as long wherever two texts of one length differ. */
function isSameText(left: string, right: string): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (let index = 0; index < left.length; index += 1) {
    difference |= left.charCodeAt(index) ^ right.charCodeAt(index)
  }
  return difference === 0
}
