import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Clock, SandboxSpec } from "@berth/core"
import { hasErrno } from "../has-errno.ts"
import type { ControlGroups } from "./find-control-groups.ts"
import type { ControllerName } from "./parse-hierarchies.ts"

/** The control group of one sandbox: with version 1 a folder per controller. Written into its record. */
export interface SandboxGroup {
  readonly version: 1 | 2
  readonly folders: Readonly<Partial<Record<ControllerName, string>>>
}

const cpuPeriodUs = 100_000
const mib = 1024 * 1024
const emptyingStepMs = 2

export function groupOf(groups: ControlGroups, id: string): SandboxGroup {
  const folders = Object.entries(groups.parents).map(([name, parent]) => [name, join(parent, `berth-${id}`)])
  return { version: groups.version, folders: Object.fromEntries(folders) as SandboxGroup["folders"] }
}

/** Makes the group with its limits. Idempotent. */
export function makeGroup({ version, folders }: SandboxGroup, limits: SandboxSpec["limits"]): void {
  for (const folder of foldersOf({ version, folders })) mkdirSync(folder, { recursive: true })
  const set = (name: ControllerName, file: string, value: string | number): void => {
    const folder = folders[name]
    if (folder !== undefined) writeFileSync(join(folder, file), String(value))
  }
  const setIfPresent: typeof set = (name, file, value) => {
    try {
      set(name, file, value)
    } catch (error) {
      // Swap is not accounted on every host.
      if (!hasErrno(error, "ENOENT", "EACCES", "EOPNOTSUPP", "EINVAL")) throw error
    }
  }
  const bytes = limits.memoryMib * mib
  set("pids", "pids.max", limits.pids)
  if (version === 2) {
    set("memory", "memory.max", bytes)
    setIfPresent("memory", "memory.swap.max", 0)
    set("cpu", "cpu.max", cpuQuota(2, limits.cpu))
  } else {
    set("memory", "memory.limit_in_bytes", bytes)
    setIfPresent("memory", "memory.memsw.limit_in_bytes", bytes)
    set("cpu", "cpu.cfs_period_us", cpuPeriodUs)
    set("cpu", "cpu.cfs_quota_us", cpuQuota(1, limits.cpu))
  }
}

/**
 * Files into which a single-threaded process writes `0` to enter. With version 1 a thread that moves itself
 * alone needs no grace period of the kernel, a whole process does (some 15 ms on an idle machine).
 */
export function entrances(group: SandboxGroup): readonly string[] {
  return foldersOf(group).map((folder) => join(folder, group.version === 1 ? "tasks" : "cgroup.procs"))
}

/** Host pids of all in the group. Empty when there is no group. */
export function groupProcesses(group: SandboxGroup): readonly number[] {
  const pids = new Set<number>()
  for (const folder of foldersOf(group)) {
    const text = readIfPresent(join(folder, "cgroup.procs")) ?? ""
    for (const line of text.split("\n")) if (line !== "") pids.add(Number(line))
  }
  return [...pids]
}

/** How many processes of the group the kernel has ended for want of memory, ever. */
export function memoryKills({ version, folders }: SandboxGroup): number {
  if (folders.memory === undefined) return 0
  const file = version === 2 ? "memory.events" : "memory.oom_control"
  const text = readIfPresent(join(folders.memory, file)) ?? ""
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
}

/**
 * Lets no process of the group fork, and all of them run: what has no processor time left cannot end either.
 * Answers how to undo it.
 */
export function fenceGroup(group: SandboxGroup, limits: SandboxSpec["limits"]): () => void {
  const setAll = (pids: number, cpu: string): void => {
    setIfThere(group.folders.pids, "pids.max", String(pids))
    setIfThere(group.folders.cpu, group.version === 2 ? "cpu.max" : "cpu.cfs_quota_us", cpu)
  }
  setAll(0, group.version === 2 ? "max" : "-1")
  return () => setAll(limits.pids, cpuQuota(group.version, limits.cpu))
}

function cpuQuota(version: 1 | 2, cpu: number): string {
  const quotaUs = Math.max(1_000, Math.round(cpu * cpuPeriodUs))
  return version === 2 ? `${quotaUs} ${cpuPeriodUs}` : String(quotaUs)
}

function setIfThere(folder: string | undefined, file: string, value: string): void {
  if (folder === undefined) return
  try {
    writeFileSync(join(folder, file), value)
  } catch (error) {
    if (!hasErrno(error, "ENOENT", "ENODEV")) throw error
  }
}

/** Removes the group, waiting until the kernel has let go of what was in it. Absent is fine. */
export async function removeGroup(group: SandboxGroup, clock: Clock, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (const folder of foldersOf(group)) {
    while (!tryRemove(folder, performance.now() > deadline)) await clock.sleep(emptyingStepMs)
  }
}

function tryRemove(folder: string, mustSucceed: boolean): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return true
    if (!hasErrno(error, "EBUSY") || mustSucceed) throw error
    return false
  }
}

function foldersOf({ folders }: SandboxGroup): readonly string[] {
  return [...new Set(Object.values(folders))]
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENODEV")) return null
    throw error
  }
}
