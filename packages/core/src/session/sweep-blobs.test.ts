import { createMemoryStores } from "@berth/memory"
import type { BlobHash, LogId, ProjectId, SessionId } from "@berth/protocol"
import { expect, it } from "vitest"
import { createTestClock, createTestIds, settle, silent } from "../runner/scripted-runner.test-support.ts"
import { encodeManifest } from "../workspace/manifest-json.ts"
import { createHead } from "./head.ts"
import { serverEntry } from "./server-entry.ts"
import { createBlobSweeper } from "./sweep-blobs.ts"

const project = "default" as ProjectId
const hour = 3_600_000

it("keeps what any session's log or snapshot names, and removes the rest after an hour", async () => {
  const clock = createTestClock()
  const { log: eventLog, sessions, blobs } = createMemoryStores({ clock, ids: createTestIds() })
  const put = async (text: string): Promise<BlobHash> =>
    (await blobs.put(project, new Blob([text]).stream())).hash
  const file = await put("a file of a snapshot")
  const artifact = await put("an artifact")
  const orphan = await put("of a session that is gone")
  const entry = { root: "workspace", path: "a", mode: 0o644, kind: "file", hash: file, size: 20 } as const
  const manifest = (await blobs.put(project, new Blob([encodeManifest([entry])]).stream())).hash

  const log = "log_00000000000000000000000001" as LogId
  const sessionId = "kept" as SessionId
  await eventLog.create(log, createHead(sessionId))
  const at = "2026-01-01T00:00:00.000Z"
  await sessions.insert({
    project,
    id: sessionId,
    log,
    createdAt: at,
    updatedAt: at,
    spec: { agent: "shell", metadata: {}, title: null } as never,
  })
  const snapshot = { sessionId, snapshotId: "snap", manifest, files: 1, bytes: 20 }
  const shown = { sessionId, path: "a.png", type: "image", hash: artifact, size: 11 } as const
  await eventLog.submit(log, {
    key: "k",
    entries: [
      serverEntry({ method: "_berth/snapshot", params: snapshot }),
      serverEntry({ method: "_berth/artifact", params: shown }),
    ],
  })

  const sweeper = createBlobSweeper({
    eventLog,
    sessionStore: sessions,
    blobStore: blobs,
    clock,
    logger: silent,
  })
  const stopping = new AbortController()
  const running = sweeper.run(stopping.signal)
  sweeper.mark(project)
  await clock.advance(1.2 * hour)
  await settle(50)
  stopping.abort()
  await running
  expect(await blobs.missing(project, [file, artifact, manifest, orphan])).toEqual([orphan])
})
