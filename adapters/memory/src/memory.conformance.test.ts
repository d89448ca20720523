import {
  blobStoreSuite,
  eventLogSuite,
  keyStoreSuite,
  leaseStoreSuite,
  sessionStoreSuite,
} from "@berth/conformance"
import { createMemoryStores } from "./create-memory-stores.ts"

const reason = "memory ends with its process"

async function open() {
  let time = Date.UTC(2026, 5, 1)
  let count = 0
  const clock = { now: () => time, sleep: async () => {} }
  const ids = { next: () => String((count += 1)).padStart(26, "0") }
  return {
    ...createMemoryStores({ clock, ids }),
    advance: async (ms: number) => void (time += ms),
    reopen: async () => {
      throw new Error(reason)
    },
    close: async () => {},
  }
}

const runs = 200

eventLogSuite("memory", open, {
  runs,
  skips: [{ test: "what was acknowledged is there after the store is opened again", reason }],
})
leaseStoreSuite("memory", open, {
  skips: [{ test: "leases and epochs are there after the store is opened again", reason }],
})
sessionStoreSuite("memory", open)
keyStoreSuite("memory", open)
blobStoreSuite("memory", open)
