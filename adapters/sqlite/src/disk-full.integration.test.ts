import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isAppError } from "@berth/core"
import { emptyHead, newLogId, readAll, said } from "@berth/conformance"
import { expect, test } from "vitest"
import { createSqliteLog } from "./create-sqlite-stores.ts"
import { openDatabase } from "./node-database.ts"

const clock = { now: Date.now, sleep: async () => {} }

function mount(directory: string, options: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]).status === 0
}

test("a full disk refuses, loses nothing, and takes again when there is room", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "berth-full-"))
  if (!mount(directory, "size=3m")) {
    rmSync(directory, { recursive: true })
    context.skip("missing: tmpfs mount")
  }
  const path = join(directory, "berth.db")
  let database = openDatabase({ path })
  const open = () => createSqliteLog({ sql: database.sql, clock, schedule: setImmediate })
  try {
    const stores = open()
    const { log, leases } = stores
    const id = newLogId()
    await log.create(id, emptyHead())
    const { epoch } = await leases.claim(id, "runner", 60_000)

    let acknowledged = 0
    const fill = async (): Promise<unknown> => {
      for (;;) {
        try {
          acknowledged = (await log.append(id, epoch, [said("x".repeat(20_000))])).lastSeq
        } catch (error) {
          return error
        }
      }
    }
    expect(isAppError(await fill(), "storage_full")).toBe(true)
    expect(acknowledged).toBeGreaterThan(10)

    // One that has no room takes none from its neighbours.
    expect(mount(directory, "remount,size=3200k")).toBe(true)
    const results = await Promise.allSettled([
      log.append(id, epoch, [said("small")]),
      log.append(id, epoch, [said("y".repeat(2_000_000))]),
      log.submit(id, { key: "k", entries: [said("small")] }),
    ])
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
    expect(isAppError(await fill(), "storage_full")).toBe(true)

    const full = await readAll(stores, id)
    expect(full).toHaveLength(acknowledged)
    expect((await log.state(id)).headSeq).toBe(acknowledged)

    expect(mount(directory, "remount,size=16m")).toBe(true)
    await log.append(id, epoch, [said("there is room again")])
    expect((await log.submit(id, { key: "k", entries: [said("small")] })).isNew).toBe(false)
    database.close()
    database = openDatabase({ path })
    expect((await readAll(open(), id)).slice(0, acknowledged)).toEqual(full)
    expect((await open().log.state(id)).headSeq).toBe(acknowledged + 1)
  } finally {
    database.close()
    spawnSync("umount", [directory])
    rmSync(directory, { recursive: true })
  }
})
