import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ProjectId } from "@berth/protocol"
import { expect, it } from "vitest"
import { createFilesystemBlobStore } from "./blob-store.ts"

it("knows the projects that have blobs, also after a restart", async () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-blobs-"))
  const clock = { now: Date.now, sleep: () => Promise.resolve() }
  const first = await createFilesystemBlobStore({ directory, clock })
  expect(await first.projects()).toEqual([])
  await first.put("one" as ProjectId, new Blob(["x"]).stream())
  const second = await createFilesystemBlobStore({ directory, clock })
  expect(await second.projects()).toEqual(["one"])
  rmSync(directory, { recursive: true })
})
