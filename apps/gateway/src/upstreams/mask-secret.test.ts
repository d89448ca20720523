import { Readable } from "node:stream"
import { buffer } from "node:stream/consumers"
import fc from "fast-check"
import { expect, test } from "vitest"
import { createSecretMask, maskText } from "./mask-secret.ts"

const secret = "sk-sk-aab"

async function mask(pieces: readonly Buffer[]): Promise<string> {
  const output = Readable.from(pieces, { objectMode: false }).pipe(createSecretMask(secret, () => undefined))
  return (await buffer(output)).toString("utf8")
}

test("takes the secret out wherever the stream is cut, and leaves all else", async () => {
  const word = fc.constantFrom(secret, "sk-", "sk-sk-aa", "b", "s", "\n", "text")
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { maxLength: 8 }),
      fc.integer({ min: 1, max: 6 }),
      async (words, size) => {
        const bytes = Buffer.from(words.join(""))
        const pieces: Buffer[] = []
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
        expect(await mask(pieces)).toBe(maskText(words.join(""), secret))
      },
    ),
  )
})

test("leaves a placeholder alone", async () => {
  const output = Readable.from([Buffer.from("none x")]).pipe(createSecretMask("x", () => undefined))
  expect((await buffer(output)).toString("utf8")).toBe("none x")
  expect(maskText("x", "x")).toBe("x")
})

test("holds back nothing that cannot begin the secret", () => {
  const stream = createSecretMask(secret, () => undefined)
  stream.write("data: one\n\n")
  expect(String(stream.read())).toBe("data: one\n\n")
})
