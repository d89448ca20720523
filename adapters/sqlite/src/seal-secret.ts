const ivBytes = 12

/** AES-256-GCM. `place` is bound in: a sealed value opens only where it was sealed. */
export async function sealSecret(key: CryptoKey, place: string, value: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
  const text = new TextEncoder().encode(value)
  const sealed = await crypto.subtle.encrypt(algorithm(iv, place), key, text)
  return encodeBase64(iv) + encodeBase64(new Uint8Array(sealed))
}

/** Throws when the key is another one or the text was changed. */
export async function openSecret(key: CryptoKey, place: string, sealed: string): Promise<string> {
  // Twelve bytes are sixteen characters, without padding.
  const iv = decodeBase64(sealed.slice(0, 16))
  const text = await crypto.subtle.decrypt(algorithm(iv, place), key, decodeBase64(sealed.slice(16)))
  return new TextDecoder().decode(text)
}

/** From 32 random bytes that the operator keeps. */
export function importSecretsKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"])
}

function algorithm(iv: Uint8Array<ArrayBuffer>, place: string): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(place) }
}

function encodeBase64(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
