export interface SseDataHandler {
  /** A piece of the current event's data. */
  onData(piece: Uint8Array): void
  /** The event is complete. Not called for events without data, nor for one cut off by the end. */
  onEvent(): void
}

const newline = new Uint8Array([0x0a])
const fieldBytes = 16

/**
 * Splits a `text/event-stream` (WHATWG HTML, "Server-sent events") into the data of its events, piece
 * by piece and without keeping any: an event may be as large as a whole answer.
 */
export function createSseDataReader(handler: SseDataHandler): (chunk: Uint8Array) => void {
  let field = ""
  let place: "field" | "space" | "value" = "field"
  let isLineEmpty = true
  let lines = 0
  let wasReturn = false
  let offset = 0

  function endLine(): void {
    if (isLineEmpty && lines > 0) {
      lines = 0
      handler.onEvent()
    } else if (field === "data" && place === "field") startData()
    field = ""
    place = "field"
    isLineEmpty = true
  }

  function startData(): void {
    if (lines > 0) handler.onData(newline)
    lines++
  }

  function onFieldByte(byte: number): void {
    if (byte === 0x3a) {
      place = "space"
      if (field === "data") startData()
    } else if (field.length < fieldBytes) field += String.fromCharCode(byte)
  }

  /** The index after the value's bytes from `from` that are in this chunk. */
  function onValue(chunk: Uint8Array, from: number): number {
    let end = from
    while (end < chunk.length && chunk[end] !== 0x0a && chunk[end] !== 0x0d) end++
    if (field === "data" && end > from) handler.onData(chunk.subarray(from, end))
    return end
  }

  return (chunk) => {
    let index = 0
    while (index < chunk.length) {
      const byte = chunk[index] ?? 0
      const isReturnPair = wasReturn && byte === 0x0a
      wasReturn = false
      if (byte === 0x0a || byte === 0x0d) {
        if (!isReturnPair) endLine()
        wasReturn = byte === 0x0d
        index++
      } else if (place === "field") {
        isLineEmpty = false
        if (!isByteOrderMark(offset + index, byte)) onFieldByte(byte)
        index++
      } else if (place === "space") {
        place = "value"
        if (byte === 0x20) index++
      } else index = onValue(chunk, index)
    }
    offset += chunk.length
  }
}

function isByteOrderMark(position: number, byte: number): boolean {
  return position < 3 && byte === [0xef, 0xbb, 0xbf][position]
}
