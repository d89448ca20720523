import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { text } from "node:stream/consumers"
import { hasErrno } from "../has-errno.ts"
import { bubblewrapArguments } from "../launch/bubblewrap-arguments.ts"
import { firstInheritedFd } from "../launch/init-command.ts"
import { uidRange } from "../sandbox-layout.ts"

export interface BubblewrapFailure {
  /** Its last words. */
  readonly detail: string
  /** What to run or change, as far as it is known. */
  readonly fix: string
}

const timeoutMs = 10_000

/** Runs `true` in a sandbox like every other. Null when it worked. `system` is of `systemArguments`. */
export async function tryBubblewrap(
  bubblewrap: string,
  system: readonly string[],
  seccompFile: string | null,
): Promise<BubblewrapFailure | null> {
  const words = bubblewrapArguments({
    system,
    record: { folders: [], limits: { memoryMib: 64, cpu: 1, pids: 64, diskMib: 64 } },
    env: {},
    cwd: "/",
    dieWithParent: true,
    statusFd: null,
    seccompFd: seccompFile === null ? null : firstInheritedFd,
  })
  const range = uidRange()
  const inherited = seccompFile === null ? [] : [openSync(seccompFile, "r")]
  try {
    const child = spawn(bubblewrap, [...words, "--", "/bin/true"], {
      ...(range === null ? {} : { uid: range.first, gid: range.first }),
      stdio: ["ignore", "ignore", "pipe", ...inherited],
      env: {},
      cwd: "/",
      timeout: timeoutMs,
    })
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject)
      child.once("close", resolve)
    })
    const errors = child.stderr === null ? "" : await text(child.stderr)
    const code = await ended
    return code === 0 ? null : { detail: errors.trim() || `bwrap ended with ${code}`, fix: fixFor() }
  } finally {
    for (const fd of inherited) closeSync(fd)
  }
}

/** The first setting of the kernel that forbids what bubblewrap does; containers forbid it from outside. */
function fixFor(): string {
  const prefix = process.getuid?.() === 0 ? "" : "sudo "
  if (setting("kernel/apparmor_restrict_unprivileged_userns") === 1) {
    return `run \`${prefix}sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\``
  }
  if (setting("kernel/unprivileged_userns_clone") === 0) {
    return `run \`${prefix}sysctl -w kernel.unprivileged_userns_clone=1\``
  }
  if (setting("user/max_user_namespaces") === 0) {
    return `run \`${prefix}sysctl -w user.max_user_namespaces=15000\``
  }
  return (
    "allow user namespaces to this process; for a container, start it with --security-opt seccomp=unconfined " +
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined"
  )
}

function setting(name: string): number | null {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, "utf8"))
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES")) return null
    throw error
  }
}
