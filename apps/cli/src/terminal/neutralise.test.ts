import { expect, test } from "vitest"
import { escapeJson, neutralise, neutraliseLine } from "./neutralise.ts"

test.each([
  ["plain text stays\n\tas it is: é 漢字 🙂", "plain text stays\n\tas it is: é 漢字 🙂"],
  ["\u001b[31mred\u001b[0m", "red"],
  ["\u001b]0;a title\u0007after", "after"],
  ["\u001b]8;;http://evil\u0007link\u001b]8;;\u0007", "link"],
  ["\u001b[2J\u001b[Hcleared", "cleared"],
  ["50%\r100%\r\n", "50%\n100%\n"],
  ["rm -rf /\rls      ", "rm -rf /\nls      "],
  ["ding\u0007\u0008\u0000", "ding\u2407\u2408\u2400"],
  ["half\u001b", "half\u241b"],
  ["\u009b31mC1", "C1"],
  ["\u0090q", "\ufffdq"],
  ["txt.\u202egpj", "txt.\ufffdgpj"],
  ["a\u200bb\u2066c\ufeffd", "a\ufffdb\ufffdc\ufffdd"],
  ["tags\u{e0041}", "tags\ufffd"],
])("%j is shown as %j", (text, shown) => {
  expect(neutralise(text)).toBe(shown)
})

test("a sequence cut into chunks cannot come together again on the terminal", () => {
  const hostile = "\u001b]52;c;ZXZpbA==\u0007\u001b[2Jx\u009b5m\u001bPq\u001b\\"
  for (let at = 0; at <= hostile.length; at += 1) {
    const shown = neutralise(hostile.slice(0, at)) + neutralise(hostile.slice(at))
    expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
  }
})

test("a title is one line, and not a long one", () => {
  expect(neutraliseLine("git status\n  && rm -rf /\u001b[8m")).toBe("git status ⏎ && rm -rf /")
  expect(neutraliseLine("x".repeat(500), 10)).toBe("xxxxxxxxx…")
})

test("escaped JSON means the same", () => {
  const value = { text: "\u001b[2J\u009b\u202e\u{e0041}\u007f é 🙂" }
  const json = escapeJson(JSON.stringify(value))
  expect(JSON.parse(json)).toEqual(value)
  expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]|\u{e0041}/u)
})
