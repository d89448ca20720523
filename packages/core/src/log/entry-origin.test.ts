import type { EntryBody, Origin } from "@berth/protocol"
import { expect, it } from "vitest"
import { encodeEntry } from "./encode-entry.ts"
import { concernsRunner } from "./entry-origin.ts"

const words = '"origin":"server","type":"notification","method":"_berth/turn_started"'
const said: EntryBody = {
  type: "notification",
  notification: {
    jsonrpc: "2.0",
    method: "session/update",
    params: {
      sessionId: words,
      update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: words } },
    },
  },
}
const started: EntryBody = {
  type: "notification",
  notification: {
    jsonrpc: "2.0",
    method: "_berth/turn_started",
    params: { sessionId: "s", turnId: "t", commandSeq: 1 },
  },
}

const table: readonly [Origin, EntryBody, boolean][] = [
  ["sandbox", said, false],
  ["sandbox", started, true],
  ["server", said, true],
  ["client", said, true],
]

it.each(table)("knows which entry of a %s a runner has to see", (origin, body, expected) => {
  const place = { seq: 12, epoch: 3, timestamp: "2026-01-01T00:00:00.000Z", origin }
  expect(concernsRunner(encodeEntry(place, body))).toBe(expected)
})
