import type { Piece } from "./output-pieces.ts"

/** The middle of an output of more than `max` characters goes, with a statement. */
export function shortenOutput(output: readonly Piece[], max: number): readonly Piece[] {
  const total = output.reduce((sum, piece) => sum + piece.text.length, 0)
  if (total <= max) return joinNeighbours(output)
  const half = max / 2
  const left = `\n[${total - max} characters left out]\n`
  return joinNeighbours([...take(output, half), { stream: "stderr", text: left }, ...takeEnd(output, half)])
}

function take(output: readonly Piece[], length: number): Piece[] {
  let left = length
  return output.flatMap(({ stream, text }) => {
    const part = text.slice(0, left)
    left -= part.length
    return part === "" ? [] : [{ stream, text: part }]
  })
}

function takeEnd(output: readonly Piece[], length: number): Piece[] {
  let left = length
  return output
    .toReversed()
    .flatMap(({ stream, text }) => {
      const part = left === 0 ? "" : text.slice(-left)
      left -= part.length
      return part === "" ? [] : [{ stream, text: part }]
    })
    .toReversed()
}

/** Neighbours of one stream become one piece. */
function joinNeighbours(output: readonly Piece[]): readonly Piece[] {
  const joined: { stream: Piece["stream"]; parts: string[] }[] = []
  for (const { stream, text } of output) {
    const last = joined.at(-1)
    if (last?.stream === stream) last.parts.push(text)
    else joined.push({ stream, parts: [text] })
  }
  return joined.map(({ stream, parts }) => ({ stream, text: parts.join("") }))
}
