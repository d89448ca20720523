import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { blobStoreSuite } from "@berth/conformance"
import { createFilesystemBlobStore } from "./blob-store.ts"

blobStoreSuite("filesystem", async () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-blobs-"))
  let offset = 0
  const clock = { now: () => Date.now() + offset, sleep: async () => {} }
  return {
    blobs: await createFilesystemBlobStore({ directory, clock }),
    advance: async (ms: number) => void (offset += ms),
    close: async () => rmSync(directory, { recursive: true }),
  }
})
