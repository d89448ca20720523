/** Set on every answer that does not say otherwise: nothing of ours may be framed, sniffed or scripted. */
const defaults = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
} as const

export function setSecureHeaders(headers: Headers): void {
  for (const [name, value] of Object.entries(defaults)) if (!headers.has(name)) headers.set(name, value)
}
