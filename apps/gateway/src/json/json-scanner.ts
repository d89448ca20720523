import { isEscape, isSpace, isWordByte, parseBytes } from "./json-bytes.ts"

/**
 * Reads a JSON text chunk by chunk and keeps only the values at a few paths, in constant memory. A
 * hostile 64 MiB body of brackets would cost `JSON.parse` gigabytes in the one process that every
 * session shares.
 */
export interface JsonScanner {
  write(chunk: Uint8Array): void
  /** What was found, by path (`a.b`), or null when the text was not exactly one JSON value. */
  end(): JsonFindings | null
}

export type JsonFindings = ReadonlyMap<string, JsonFinding>

export interface JsonFinding {
  /** The last one's; undefined when it was too large to keep. */
  readonly value: unknown
  /** How often the path occurred: a text may repeat a key. */
  readonly count: number
}

export interface JsonScannerOptions {
  /** Keys from the root; `[]` stands for any index. Compared as `normalizeKey` gives them. */
  readonly paths: readonly (readonly string[])[]
  /** A larger value is left out. */
  readonly captureBytes?: number
}

/**
 * Upstreams differ in how they read keys: protobuf takes `maxOutputTokens` and `max_output_tokens`,
 * others ignore case. What any of them would take, counts.
 */
export function normalizeKey(key: string): string {
  return key.toLowerCase().replaceAll("_", "")
}

const maxDepth = 512
const maxKeyBytes = 256

type State =
  | "value"
  | "first-item"
  | "first-key"
  | "key"
  | "colon"
  | "after"
  | "string"
  | "escape"
  | "word"
  | "end"
  | "failed"

export function createJsonScanner(options: JsonScannerOptions): JsonScanner {
  const captureBytes = options.captureBytes ?? 64 * 1024
  const wanted = new Map(options.paths.map((path) => [path.map(normalizeKey).join("."), path.join(".")]))
  const keptDepth = Math.max(0, ...options.paths.map((path) => path.length))
  const found = new Map<string, JsonFinding>()

  let state: State = "value"
  /** One flag per open container: whether it is an object. */
  const open: boolean[] = []
  /** The key or `[]` under which the walk is, per depth; only as deep as a path reaches. */
  const keys: string[] = []
  let isKey = false
  let keyText: number[] | null = null
  let capture: { readonly path: string; readonly depth: number } | null = null
  let captured: number[] | null = null

  function keep(byte: number): void {
    if (captured === null) return
    if (captured.length < captureBytes) captured.push(byte)
    else captured = null
  }

  function keepKey(byte: number): void {
    if (keyText === null) return
    if (keyText.length < maxKeyBytes) keyText.push(byte)
    else keyText = null
  }

  function startValue(byte: number): void {
    if (capture === null && open.length <= keptDepth) {
      const path = wanted.get(keys.slice(0, open.length).join("."))
      if (path !== undefined) {
        capture = { path, depth: open.length }
        captured = [byte]
      }
    }
    if (byte === 0x7b) push(true)
    else if (byte === 0x5b) push(false)
    else if (byte === 0x22) state = "string"
    else if (isWordByte(byte)) state = "word"
    else state = "failed"
  }

  function endValue(): void {
    state = open.length === 0 ? "end" : "after"
    if (capture === null || capture.depth !== open.length) return
    const value = captured === null ? undefined : parseBytes(captured)
    if (captured !== null && value === undefined) state = "failed"
    found.set(capture.path, { value, count: (found.get(capture.path)?.count ?? 0) + 1 })
    capture = null
    captured = null
  }

  function push(isObject: boolean): void {
    if (open.length >= maxDepth) {
      state = "failed"
      return
    }
    open.push(isObject)
    if (open.length <= keptDepth) keys[open.length - 1] = isObject ? "" : "[]"
    state = isObject ? "first-key" : "first-item"
  }

  function pop(isObject: boolean): void {
    if (open.pop() === isObject) endValue()
    else state = "failed"
  }

  function startKey(byte: number): void {
    state = byte === 0x22 ? "string" : "failed"
    isKey = true
    keyText = open.length <= keptDepth && capture === null ? [] : null
    // Until the key is known, nothing may match under the name of its elder sibling.
    if (open.length <= keptDepth) keys[open.length - 1] = ""
  }

  function endKey(): void {
    isKey = false
    state = "colon"
    if (keyText === null) return
    const key = parseBytes([0x22, ...keyText, 0x22])
    keyText = null
    if (typeof key === "string") keys[open.length - 1] = normalizeKey(key)
    else state = "failed"
  }

  function onAfter(byte: number): void {
    if (byte === 0x2c) state = open.at(-1) === true ? "key" : "value"
    else if (byte === 0x7d) pop(true)
    else if (byte === 0x5d) pop(false)
    else state = "failed"
  }

  function onPunctuation(byte: number): void {
    if (isSpace(byte)) return
    if (state === "value") startValue(byte)
    else if (state === "after") onAfter(byte)
    else if (state === "key") startKey(byte)
    else if (state === "first-key" && byte === 0x7d) pop(true)
    else if (state === "first-key") startKey(byte)
    else if (state === "first-item" && byte === 0x5d) pop(false)
    else if (state === "first-item") startValue(byte)
    else state = state === "colon" && byte === 0x3a ? "value" : "failed"
  }

  function onString(byte: number): void {
    keep(byte)
    if (state === "escape") {
      keepKey(byte)
      state = isEscape(byte) ? "string" : "failed"
    } else if (byte === 0x5c) {
      keepKey(byte)
      state = "escape"
    } else if (byte !== 0x22) state = "failed"
    else if (isKey) endKey()
    else endValue()
  }

  /** The index after the run of plain bytes of a string that starts at `from`. */
  function skipString(chunk: Uint8Array, from: number): number {
    for (let index = from; index < chunk.length; index++) {
      const byte = chunk[index] ?? 0
      if (byte === 0x22 || byte === 0x5c || byte < 0x20) return index
      if (captured !== null) keep(byte)
      if (keyText !== null) keepKey(byte)
    }
    return chunk.length
  }

  function write(chunk: Uint8Array): void {
    let index = 0
    while (state !== "failed") {
      if (state === "string") index = skipString(chunk, index)
      const byte = chunk[index]
      if (byte === undefined) return
      // A word ends with the first byte that is none of it, which is then read in its own right.
      if (state === "word" && !isWordByte(byte)) endValue()
      else {
        index++
        if (state === "string" || state === "escape") onString(byte)
        else {
          keep(byte)
          if (state !== "word") onPunctuation(byte)
        }
      }
    }
  }

  function end(): JsonFindings | null {
    if (state === "word" && open.length === 0) endValue()
    return state === "end" ? found : null
  }

  return { write, end }
}
