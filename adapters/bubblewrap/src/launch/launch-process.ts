import { closeSync, constants, openSync } from "node:fs"
import type { Clock, Logger } from "@berth/core"
import { entrances } from "../cgroup/sandbox-group.ts"
import { insidePaths } from "../inside-paths.ts"
import { diskLimits } from "../limits/disk-meter.ts"
import { namespaceTree } from "../process/namespace-tree.ts"
import type { PipePool } from "../process/pipe-pool.ts"
import { openScratchFile } from "../process/scratch-file.ts"
import { startProcess, type StartedProcess } from "../process/start-process.ts"
import type { Launch } from "../sandbox-kind.ts"
import { sandboxMarker } from "../sandbox-marker.ts"
import { bubblewrapArguments } from "./bubblewrap-arguments.ts"
import { firstInheritedFd, initCommand } from "./init-command.ts"

/** What all sandboxes of one provider share. */
export interface SandboxHost {
  readonly bubblewrap: string
  /** From `systemArguments`. */
  readonly system: readonly string[]
  /** A folder of ours, or one where nobody can touch what is ours. */
  readonly scratch: string
  readonly pipes: PipePool
  /** A file with the policy; null on an architecture that has none. */
  readonly seccompFile: string | null
  readonly openFiles: number
  /** From `leakedDescriptors`. */
  readonly leakedFds: ReadonlySet<number>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Starts `argv` in a sandbox: bubblewrap as the sandbox's user (Node sets uid and gid and clears the groups;
 * bubblewrap sets no-new-privileges), within it the init of `initCommand`. Descriptors from 3: the doors of
 * the control groups, bubblewrap's status, its arguments, its seccomp program; none reaches `argv`.
 */
export async function launchProcess(host: SandboxHost, launch: Launch): Promise<StartedProcess> {
  const { record, options } = launch
  using descriptors = new DisposableStack()
  const open = (path: string, flags: number): number => descriptors.adopt(openSync(path, flags), closeSync)
  const status = openScratchFile(host.scratch)
  try {
    const doors = (record.group === null ? [] : entrances(record.group)).map((path) =>
      open(path, constants.O_WRONLY),
    )
    const statusFd = firstInheritedFd + doors.length
    const seccomp = host.seccompFile === null ? [] : [open(host.seccompFile, constants.O_RDONLY)]
    const init = initCommand({
      doors: doors.length,
      openFiles: host.openFiles,
      fileBytes: diskLimits(record.limits.diskMib).bytes,
      processes: record.isolation.limits.pids.mechanism === "rlimit" ? record.limits.pids : null,
      forwards: record.forwards,
      env: options.env ?? {},
      argv: launch.argv,
    })
    const words = bubblewrapArguments({
      system: host.system,
      record,
      env: init.env,
      cwd: options.cwd ?? insidePaths.workspace,
      dieWithParent: options.dieWithParent ?? false,
      statusFd,
      seccompFd: seccomp.length === 0 ? null : statusFd + 2,
    })
    const settings = descriptors.use(openScratchFile(host.scratch, words.join("\0")))
    const deathsBefore = launch.memoryDeaths()
    return await startProcess({
      file: host.bubblewrap,
      args: ["--unsetenv", sandboxMarker(record.id), "--args", String(statusFd + 1), "--", ...init.argv],
      env: {},
      cwd: "/",
      owner: record.owner,
      pipes: await host.pipes.take(record.owner),
      inherited: cover([...doors, status.fd, settings.fd, ...seccomp], host.leakedFds, () =>
        open("/dev/null", constants.O_RDONLY),
      ),
      tree: (child) => namespaceTree(child, { status, owner: record.owner, ...host }),
      signal: options.signal ?? null,
      wasOutOfMemory: () => launch.memoryDeaths() > deathsBefore,
    })
  } catch (error) {
    status[Symbol.dispose]()
    throw error
  }
}

/** Descriptors for a child from 3 on, with `/dev/null` laid over each that it would inherit beyond them. */
function cover(
  fds: readonly number[],
  leaked: ReadonlySet<number>,
  openNull: () => number,
): readonly (number | "ignore")[] {
  const free = firstInheritedFd + fds.length
  const missing = Math.max(...leaked, free - 1) + 1 - free
  if (missing === 0) return fds
  const nothing = openNull()
  const rest = Array.from({ length: missing }, (_, index) => (leaked.has(free + index) ? nothing : "ignore"))
  return [...fds, ...rest]
}
