/** The byte classes of JSON, RFC 8259. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** A byte of a number or of `true`, `false`, `null`; `parseBytes` judges what it spells. */
export function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  )
}

/** A byte that may follow a backslash. */
export function isEscape(byte: number): boolean {
  return '"\\/bfnrtu'.includes(String.fromCharCode(byte))
}

/** The value, or undefined when the bytes are no JSON. */
export function parseBytes(bytes: readonly number[]): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
