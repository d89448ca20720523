import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "@berth/core"
import type { ControlGroups } from "./cgroup/find-control-groups.ts"
import { groupOf, removeGroup } from "./cgroup/sandbox-group.ts"
import { openTrustedFolder } from "./files/open-folder.ts"
import { removeTree } from "./files/remove-tree.ts"
import { hasErrno } from "./has-errno.ts"
import { isolationReport } from "./host/isolation-report.ts"
import { unstageFolders } from "./host/stage-folders.ts"
import { freeOwner, layoutOf } from "./sandbox-layout.ts"
import { endProcesses } from "./sandbox-processes.ts"
import { readRecord, recordName } from "./sandbox-record.ts"

const nothing = { memoryMib: 0, cpu: 0, pids: 0, diskMib: 0 }
const groupTimeoutMs = 5_000

/**
 * Ends and removes a sandbox in an order that may be broken off and begun again anywhere: the record goes
 * last but for the folder itself. One whose record was never written, or lost, is removed by its traces.
 */
export async function destroySandbox(
  directory: string,
  id: string,
  groups: () => ControlGroups | null,
  clock: Clock,
): Promise<void> {
  const { folder } = layoutOf(directory, id)
  const remains = readRecord(folder) ?? tracesOf(directory, id, groups)
  if (remains === null) return
  await endProcesses(remains, clock, true)
  await unstageFolders(id)
  await removeParts(folder)
  if (remains.group !== null) await removeGroup(remains.group, clock, groupTimeoutMs)
  freeOwner(directory, remains.owner)
  removeRest(folder)
}

function tracesOf(
  directory: string,
  id: string,
  groups: () => ControlGroups | null,
): Parameters<typeof endProcesses>[0] | null {
  const { folder, workspace } = layoutOf(directory, id)
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return null
  const stats = lstatSync(workspace, { throwIfNoEntry: false })
  const found = groups()
  const isOurs = stats === undefined || stats.uid === process.getuid?.()
  return {
    id,
    owner: isOurs ? null : { uid: stats.uid, gid: stats.gid },
    group: found === null ? null : groupOf(found, id),
    limits: nothing,
    isolation: isolationReport({ groups: found, hasOwnUids: !isOurs, hasSeccomp: true }, nothing),
  }
}

async function removeParts(path: string): Promise<void> {
  try {
    using folder = openTrustedFolder(path)
    for (const name of readdirSync(path)) if (name !== recordName) await removeTree(folder, name, folder)
  } catch (error) {
    // Another process of ours destroys it too.
    if (!hasErrno(error, "ENOENT")) throw error
  }
}

function removeRest(folder: string): void {
  try {
    unlinkSync(join(folder, recordName))
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
  }
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
  }
}
