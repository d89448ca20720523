import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { AppError, type Clock } from "@berth/core"
import { fenceGroup, groupProcesses } from "./cgroup/sandbox-group.ts"
import { hasErrno } from "./has-errno.ts"
import { hostProcesses, markedProcesses, processesWith, type HostProcess } from "./limits/process-table.ts"
import { sandboxMarker, sandboxVariable } from "./sandbox-marker.ts"
import type { SandboxRecord } from "./sandbox-record.ts"

type Identity = Pick<SandboxRecord, "id" | "owner" | "group" | "limits" | "isolation">

const stepMs = 1
const endMs = 10_000

/**
 * Host pids of everything that runs for a sandbox, whoever started it: what is in its control group, and of
 * `all` what has its uid, or without one the marker: a process that starts is not in the group yet.
 */
export function sandboxProcesses(
  of: Identity,
  all: readonly HostProcess[] = hostProcesses(),
): readonly number[] {
  const grouped = of.group === null ? [] : groupProcesses(of.group)
  return [...new Set([...grouped, ...namedProcesses(of, all).map(({ pid }) => pid)])]
}

/** As `sandboxProcesses`, without the look at all the host's where a control group holds nearly all. */
export function settledProcesses(of: Identity): readonly number[] {
  return of.group === null ? sandboxProcesses(of) : groupProcesses(of.group)
}

function namedProcesses(
  { id, owner, isolation }: Identity,
  all: readonly HostProcess[],
): readonly HostProcess[] {
  if (isolation.level === "none") return processesWith(all, sandboxVariable(id))
  if (owner === null) return markedProcesses(all, sandboxMarker(id))
  return all.filter(({ uid }) => uid === owner.uid)
}

/**
 * Ends them all, against forks too; resolves when none is left. With `isFinal` nothing can fork in its
 * control group afterwards.
 */
export async function endProcesses(identity: Identity, clock: Clock, isFinal: boolean): Promise<void> {
  const { group, limits } = identity
  // Once before forks are forbidden: otherwise a process could see that, and end in its own way.
  for (const pid of sandboxProcesses(identity)) strike(pid)
  const lift = group === null ? null : fenceGroup(group, limits)
  const until = performance.now() + endMs
  for (let pids = sandboxProcesses(identity); pids.length > 0; pids = sandboxProcesses(identity)) {
    if (group?.version === 2) killGroup(Object.values(group.folders)[0])
    for (const pid of pids) strike(pid)
    if (performance.now() > until) {
      throw new AppError("unavailable", "Processes of a sandbox do not end: the host may need a restart.", {
        details: { sandbox: identity.id, pids: pids.slice(0, 10) },
      })
    }
    await clock.sleep(stepMs)
  }
  if (!isFinal) lift?.()
}

/** Version 2 of control groups can end all at once, since Linux 5.14. */
function killGroup(folder: string | undefined): void {
  if (folder === undefined) return
  try {
    writeFileSync(join(folder, "cgroup.kill"), "1", { flag: "r+" })
  } catch (error) {
    if (!hasErrno(error, "ENOENT", "EACCES")) throw error
  }
}

/** Our own processes are never among them, whatever a record says. */
function strike(pid: number): void {
  if (pid === process.pid || pid <= 1) return
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!hasErrno(error, "ESRCH", "EPERM")) throw error
  }
}
