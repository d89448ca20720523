import { decodeEntry, encodeEntry, type StoredEntry } from "@berth/core"
import type { EntryBody, Origin } from "@berth/protocol"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compactPage } from "./compact-page.ts"

const timestamp = "2026-01-01T00:00:00.000Z"

function store(seq: number, body: EntryBody, place: { epoch?: number; origin?: Origin } = {}): StoredEntry {
  return { seq, text: encodeEntry({ seq, epoch: 1, timestamp, origin: "sandbox", ...place }, body) }
}

function chunk(text: string, kind: "agent_message_chunk" | "agent_thought_chunk", extra = {}): EntryBody {
  const update = { sessionUpdate: kind, content: { type: "text", text, ...extra } }
  return {
    type: "notification",
    notification: { jsonrpc: "2.0", method: "session/update", params: { sessionId: "s", update } },
  }
}

const kinds = fc.constantFrom("agent_message_chunk" as const, "agent_thought_chunk" as const)
const bodies = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.string({ unit: "binary" }), kinds).map(([text, kind]) => chunk(text, kind)),
  },
  fc.string().map((text) => chunk(text, "agent_message_chunk", { annotations: { text } })),
  fc.constant<EntryBody>({
    type: "notification",
    notification: {
      jsonrpc: "2.0",
      method: "_berth/error",
      params: { sessionId: "s", code: "x", message: '"sessionUpdate":"agent_message_chunk"' },
    },
  }),
)
const pages = fc
  .array(fc.tuple(bodies, fc.integer({ min: 1, max: 2 })), { maxLength: 60 })
  .map((list) => list.map(([body, epoch], index) => store(index + 1, body, { epoch })))

/** What a reader makes of a list: text by kind and epoch in order, other entries as they are. */
function meaning(entries: readonly StoredEntry[]): readonly string[] {
  const out: string[] = []
  let open = ""
  for (const { text } of entries) {
    const entry = decodeEntry(text)
    const update =
      entry.type === "notification" && entry.notification.method === "session/update"
        ? entry.notification.params.update
        : null
    const content =
      update !== null && "content" in update
        ? (update.content as { text: string; annotations?: unknown })
        : null
    const key = JSON.stringify([entry.epoch, update?.sessionUpdate, content?.annotations])
    if (content !== null && key === open) out.push(`${out.pop()}${content.text}`)
    else out.push(content === null ? text : `${key}${content.text}`)
    open = content === null ? "" : key
  }
  return out
}

describe("compactPage", () => {
  it("keeps every text and every other entry, and covers every seq once", () => {
    fc.assert(
      fc.property(pages, (page) => {
        const compact = compactPage(page)
        expect(meaning(compact)).toEqual(meaning(page))
        let next = 1
        for (const { seq, text } of compact) {
          const entry = decodeEntry(text)
          expect(entry.seq).toBe(seq)
          expect(entry.from ?? seq).toBe(next)
          next = seq + 1
        }
        expect(next).toBe(page.length + 1)
      }),
    )
  })

  it("goes on the same way after any of its ids", () => {
    fc.assert(
      fc.property(pages, (page) => {
        const compact = compactPage(page)
        for (const { seq } of compact) {
          const rest = compactPage(page.filter((entry) => entry.seq > seq))
          expect(rest).toEqual(compact.filter((entry) => entry.seq > seq))
        }
      }),
    )
  })

  it("passes a lone chunk on as stored", () => {
    const page = [store(1, chunk("a", "agent_message_chunk")), store(2, chunk("b", "agent_thought_chunk"))]
    expect(compactPage(page)).toEqual(page)
  })

  it("keeps a merged text within the size of an entry", () => {
    const page = Array.from({ length: 100 }, (_, index) =>
      store(index + 1, chunk("x".repeat(5_000), "agent_message_chunk")),
    )
    const compact = compactPage(page)
    expect(compact.length).toBeGreaterThan(1)
    for (const { text } of compact) expect(text.length).toBeLessThan(256 * 1024)
  })
})
