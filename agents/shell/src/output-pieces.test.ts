import fc from "fast-check"
import { expect, test } from "vitest"
import { createOutputPieces, type OutputLimits } from "./output-pieces.ts"

const wide: OutputLimits = { head: 1_000_000, tail: 100, piece: 8, lines: 1_000_000 }

function textOf(pieces: readonly { readonly text: string }[]): string {
  return pieces.map((piece) => piece.text).join("")
}

test("a line is a piece, and the start of the next goes out with it", () => {
  const pieces = createOutputPieces()
  expect(pieces.push("stdout", "one\ntwo\nthr").map((piece) => piece.text)).toEqual(["one\n", "two\n", "thr"])
  expect(pieces.push("stdout", "ee\n").map((piece) => piece.text)).toEqual(["ee\n"])
})

test("nothing is lost or split inside a character below the limits", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => {
      const pieces = createOutputPieces(wide)
      const sent = texts.flatMap((text) => pieces.push("stdout", text))
      expect(textOf(sent)).toBe(texts.join(""))
      for (const { text } of sent) expect(text.length).toBeLessThanOrEqual(8)
      for (const { text } of sent) expect(text.isWellFormed()).toBe(true)
      expect(pieces.end()).toEqual([])
    }),
  )
})

test("after so many lines, pieces are as large as they may be", () => {
  const pieces = createOutputPieces({ ...wide, lines: 2 })
  expect(pieces.push("stdout", "a\nb\nc\nd\ne\n").map((piece) => piece.text)).toEqual([
    "a\n",
    "b\n",
    "c\nd\ne\n",
  ])
})

test("what is over the limit is counted, and its end is kept", () => {
  const pieces = createOutputPieces({ head: 4, tail: 3, piece: 100, lines: 100 })
  expect(textOf(pieces.push("stdout", "abcdefg"))).toBe("abcd")
  expect(pieces.push("stdout", "hij")).toEqual([])
  expect(pieces.push("stderr", "kl")).toEqual([])
  const [statement, ...tail] = pieces.end()
  expect(statement?.text).toContain("5 characters of output left out")
  expect(tail).toEqual([
    { stream: "stdout", text: "j" },
    { stream: "stderr", text: "kl" },
  ])
})

test("a tail that holds all the rest leaves nothing out", () => {
  const pieces = createOutputPieces({ head: 4, tail: 30, piece: 100, lines: 100 })
  pieces.push("stdout", "abcdefg")
  expect(textOf(pieces.end())).toBe("efg")
})
