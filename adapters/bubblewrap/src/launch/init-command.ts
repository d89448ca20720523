import { relayScript, type Forward } from "./forwards.ts"

/** First descriptor after the standard streams. */
export const firstInheritedFd = 3

export interface InitOptions {
  /** Descriptors of control groups to enter, from `firstInheritedFd` on. */
  readonly doors: number
  readonly openFiles: number
  readonly fileBytes: number
  /** RLIMIT_NPROC, counted in the user namespace of this one process tree; null where a control group counts. */
  readonly processes: number | null
  readonly forwards: readonly Forward[]
  /** Variables of the command. */
  readonly env: Readonly<Record<string, string>>
  readonly argv: readonly string[]
}

export interface InitCommand {
  readonly argv: readonly string[]
  /** Its environment: the command's values under names of ours. */
  readonly env: Readonly<Record<string, string>>
}

/** Chosen before anything of ours when the host runs out of memory. */
const outOfMemoryScore = 500
const shellBlockBytes = 512
/** What a shell lets nobody set, or takes as its own. */
const shellNames = new Set(["BASHOPTS", "BASH_VERSINFO", "EUID", "OPTIND", "PPID", "SHELLOPTS", "UID"])

/**
 * The sandbox's init: a shell that enters the control groups and takes on limits, starts the relays, runs the
 * command, reaps what loses its parent, and ends with the command's code; then the kernel ends everything
 * else inside. The command's variables reach it last: one like LD_PRELOAD would let code of the sandbox's
 * into this shell, ahead of its limits.
 */
export function initCommand(options: InitOptions): InitCommand {
  const { processes, env } = options
  const doors = Array.from({ length: options.doors }, (_, index) => firstInheritedFd + index)
  const names = Object.keys(env).filter((name) => !shellNames.has(name))
  const held = new Map(names.map((name, index) => [name, `__berth_${index}`]))
  const script = [
    "set -e",
    ...doors.map((fd) => `echo 0 >&${fd}`),
    ...doors.map((fd) => `exec ${fd}>&-`),
    `echo ${outOfMemoryScore} >/proc/self/oom_score_adj`,
    "ulimit -c 0",
    `ulimit -n ${options.openFiles}`,
    `ulimit -f ${Math.ceil(options.fileBytes / shellBlockBytes)}`,
    // Shells disagree on the letter; where -p is the size of pipes it cannot be set.
    ...(processes === null ? [] : [`ulimit -p ${processes} 2>/dev/null || ulimit -u ${processes}`]),
    "set +e",
    ...relayScript(options.forwards),
    // Shells report on standard error that a child died by a signal: this one's is set aside.
    "exec 3>&2 2>/dev/null",
    "(",
    ...[...held].map(([name, holder]) => `export ${name}="$${holder}"; unset ${holder}`),
    'exec "$@" 2>&3 3>&-',
    ")",
    "exit $?",
  ].join("\n")
  const values = [...held].map(([name, holder]) => [holder, env[name] ?? ""])
  return {
    argv: ["/bin/sh", "-c", script, "sh", ...withShellNames(env), ...options.argv],
    env: Object.fromEntries(values) as Record<string, string>,
  }
}

function withShellNames(env: Readonly<Record<string, string>>): readonly string[] {
  const words = Object.entries(env).flatMap(([name, value]) =>
    shellNames.has(name) ? [`${name}=${value}`] : [],
  )
  return words.length === 0 ? [] : ["/usr/bin/env", ...words]
}
