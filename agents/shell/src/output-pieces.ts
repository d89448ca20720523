export type OutputStream = "stdout" | "stderr"

export interface Piece {
  readonly stream: OutputStream
  readonly text: string
}

/** Sizes in characters (UTF-16 code units). */
export interface OutputLimits {
  /** Sent as it comes; what follows is left out, except the tail. */
  readonly head: number
  /** The end of what was left out, sent when the script ended. */
  readonly tail: number
  /** Longest single piece. */
  readonly piece: number
  /** So many pieces are lines; from then on they are as large as `piece` allows. */
  readonly lines: number
}

export const outputLimits: OutputLimits = {
  head: 8 * 1024 * 1024,
  tail: 16 * 1024,
  piece: 8 * 1024,
  lines: 50_000,
}

/**
 * Cuts output into updates. A line is one update, and a part of a line goes out at once, so a reader
 * sees what a terminal would show; no timer holds anything back. Bounded twice: by the number of
 * line-sized updates, and by the text as a whole.
 */
export function createOutputPieces(limits: OutputLimits = outputLimits): {
  push(stream: OutputStream, text: string): readonly Piece[]
  /** The statement of what is missing, then the tail. Empty when everything was sent. */
  end(): readonly Piece[]
} {
  let headLeft = limits.head
  let linesLeft = limits.lines
  let leftOut = 0
  const tail: Piece[] = []
  let tailLength = 0

  function keepTail(stream: OutputStream, text: string): void {
    leftOut += text.length
    tail.push({ stream, text })
    tailLength += text.length
    for (let first = tail[0]; first !== undefined && tailLength > limits.tail; first = tail[0]) {
      const over = tailLength - limits.tail
      tailLength -= Math.min(over, first.text.length)
      if (over >= first.text.length) tail.shift()
      else tail[0] = { stream: first.stream, text: first.text.slice(over) }
    }
  }

  return {
    push(stream, text) {
      const end = safeCut(text, 0, headLeft)
      const pieces: Piece[] = []
      for (let start = 0; start < end;) {
        const next = nextCut(text.slice(0, end), start, linesLeft > 0, limits.piece)
        pieces.push({ stream, text: text.slice(start, next) })
        start = next
        linesLeft -= 1
      }
      headLeft = end < text.length ? 0 : headLeft - end
      if (end < text.length) keepTail(stream, text.slice(end))
      return pieces
    },
    end() {
      if (leftOut === 0) return []
      const missing = leftOut - tailLength
      const rest = tail.map(({ stream, text }) => ({ stream, text }))
      if (missing === 0) return rest
      const statement = `\n[${missing} characters of output left out here: more than ${limits.head} in one prompt]\n`
      return [{ stream: "stderr", text: statement }, ...rest]
    },
  }
}

function nextCut(text: string, start: number, isByLine: boolean, piece: number): number {
  const newline = isByLine ? text.indexOf("\n", start) : -1
  const end = newline === -1 ? text.length : newline + 1
  return end - start <= piece ? end : safeCut(text, start, piece)
}

/** Never between the halves of a surrogate pair. */
function safeCut(text: string, start: number, length: number): number {
  const end = Math.min(text.length, start + length)
  const isSplit = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))
  return isSplit && end - 1 > start ? end - 1 : end
}
