import { defaultSearchPath, insideHostName, insidePaths, insideUser } from "../inside-paths.ts"
import type { SandboxRecord } from "../sandbox-record.ts"

export interface BubblewrapOptions {
  /** From `systemArguments`. */
  readonly system: readonly string[]
  readonly record: Pick<SandboxRecord, "folders" | "limits">
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly dieWithParent: boolean
  /** Descriptors bubblewrap inherits; null for none. */
  readonly statusFd: number | null
  readonly seccompFd: number | null
}

const mib = 1024 * 1024

const baseEnv = {
  PATH: defaultSearchPath,
  HOME: insidePaths.home,
  USER: insideUser.name,
  LOGNAME: insideUser.name,
  LANG: "C.UTF-8",
}

/**
 * All that isolates one process tree, for `--args`: no environment and no host path shows in a process
 * list. New namespaces of every kind and none within, no capability, no host environment, no writable file
 * system but the sandbox's own folders and a bounded /dev/shm.
 */
export function bubblewrapArguments(options: BubblewrapOptions): readonly string[] {
  const { system, record, env, cwd, dieWithParent, statusFd, seccompFd } = options
  const sharedMemoryBytes = Math.floor((record.limits.memoryMib * mib) / 2)
  return [
    ["--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", "--new-session"],
    // Bubblewrap's own init is orphaned when a run ends, and reaped only where the host's init does that.
    ["--as-pid-1"],
    dieWithParent ? ["--die-with-parent"] : [],
    ["--uid", String(insideUser.uid), "--gid", String(insideUser.gid), "--hostname", insideHostName],
    system,
    ["--dev", "/dev", "--perms", "1777", "--size", String(sharedMemoryBytes), "--tmpfs", "/dev/shm"],
    ["--remount-ro", "/dev"],
    ["--dir", "/run", "--dir", "/var", "--symlink", insidePaths.temporary, "/var/tmp"],
    ...record.folders.map((folder) => [
      folder.isWritable ? "--bind" : "--ro-bind",
      folder.source,
      folder.target,
    ]),
    ["--remount-ro", "/"],
    ["--chdir", cwd, "--clearenv"],
    ...Object.entries({ ...baseEnv, ...env }).map((variable) => ["--setenv", ...variable]),
    statusFd === null ? [] : ["--json-status-fd", String(statusFd)],
    seccompFd === null ? [] : ["--seccomp", String(seccompFd)],
  ].flat()
}
