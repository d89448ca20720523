import { existsSync, readdirSync, readFileSync, readlinkSync, watch } from "node:fs"
import { basename, join } from "node:path"

/** What a data directory and the host hold for sessions that are or were. */
export interface HostTraces {
  /** `<log>/<generation>` */
  readonly runners: readonly string[]
  /** Ids of sandboxes, and reservations of uids. */
  readonly sandboxes: readonly string[]
  /** Grants of the gateway, on disk, and the folders of their sockets. */
  readonly grants: readonly string[]
  readonly groups: readonly string[]
  readonly supervisors: readonly number[]
  /** Processes inside of sandboxes. */
  readonly sandboxed: readonly number[]
}

export const noTraces: HostTraces = {
  runners: [],
  sandboxes: [],
  grants: [],
  groups: [],
  supervisors: [],
  sandboxed: [],
}

/** Watches a data directory, and says what is there for sessions. Close it. */
export function watchTraces(dataDirectory: string): { now(): HostTraces; close(): void } {
  const runnersRoot = join(dataDirectory, "runners")
  const sandboxesRoot = join(dataDirectory, "sandboxes")
  // Control groups have a sandbox's name and nothing that leads to the data directory.
  const known = new Set<string>()
  const watcher = watch(sandboxesRoot, (_, name) => void (name !== null && isId(name) && known.add(name)))
  return {
    close: () => watcher.close(),
    now() {
      const processes = listProcesses()
      return {
        runners: namesIn(runnersRoot).flatMap((log) =>
          namesIn(join(runnersRoot, log)).map((generation) => `${log}/${generation}`),
        ),
        sandboxes: [...namesIn(sandboxesRoot).filter(isId), ...namesIn(join(sandboxesRoot, ".uids"))],
        grants: [
          ...filesBelow(join(dataDirectory, "gateway")).filter((path) => /log_\w+\.\d+\.json$/.test(path)),
          ...namesIn(join(dataDirectory, "run")).filter((name) => /^[a-z0-9]{16}$/.test(name)),
        ],
        groups: controlGroups().filter((path) => known.has(basename(path).replace("berth-", ""))),
        supervisors: processes.filter((pid) => isSupervisor(pid, runnersRoot)),
        sandboxed: processes.filter((pid) => showsMountOf(pid, sandboxesRoot)),
      }
    },
  }
}

/** By where its log goes. One that waits to be needed is none yet. */
function isSupervisor(pid: number, root: string): boolean {
  const output = linkOf(`/proc/${pid}/fd/2`)
  return output.startsWith(`${root}/log_`)
}

function isId(name: string): boolean {
  return /^[0-9a-f]{24}$/.test(name)
}

/** Of every sandbox on this host, ours or not. */
function controlGroups(): readonly string[] {
  const root = "/sys/fs/cgroup"
  const folders = [root, ...namesIn(root).map((name) => join(root, name))]
  return folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name.startsWith("berth-"))
      .map((name) => join(folder, name)),
  )
}

/** Host pids of bubblewrap and all below it, in the sandboxes of one log. */
export function sandboxedPids(dataDirectory: string, log: string): readonly number[] {
  const root = join(dataDirectory, "sandboxes")
  const ids = namesIn(root).filter((id) => {
    const path = join(root, id, "sandbox.json")
    return existsSync(path) && readFileSync(path, "utf8").includes(log)
  })
  const marks = ids.map((id) => `berth-sandbox-${id}`)
  const processes = listProcesses()
  const below = new Set(processes.filter((pid) => marks.some((mark) => commandLine(pid).includes(mark))))
  // Parents have lower pids but for wrap-around, so walk until nothing is found any more.
  for (let size = -1; size !== below.size;) {
    size = below.size
    for (const pid of processes) if (below.has(parentOf(pid))) below.add(pid)
  }
  return [...below]
}

/** Whether the process is there, and no zombie. */
export function isAlive(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`)
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3)
  return stat !== "" && state !== "Z" && state !== "X"
}

/** Every process of a sandbox sees its folders mounted, by their path on the host. */
function showsMountOf(pid: number, root: string): boolean {
  const text = readText(`/proc/${pid}/mountinfo`)
  return text.split("\n").some((line) => {
    const fields = line.split(" ")
    return fields[4] === "/workspace" && (fields[3] ?? "").includes(root.replace(/^\/tmp/, ""))
  })
}

function listProcesses(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function parentOf(pid: number): number {
  const stat = readText(`/proc/${pid}/stat`)
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0)
}

function commandLine(pid: number): string {
  return readText(`/proc/${pid}/cmdline`)
}

function filesBelow(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path, { recursive: true, encoding: "utf8" }) : []
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ""
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
