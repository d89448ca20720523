import { execFile } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { delegatedControllers } from "../cgroup/find-control-groups.ts"
import { controllerNames } from "../cgroup/parse-hierarchies.ts"
import { uidRange } from "../sandbox-layout.ts"
import { isSeccompArchitecture } from "../seccomp/sandbox-policy.ts"
import { findProgram } from "./find-program.ts"
import { installCommand } from "./install-command.ts"
import { makeSeccompFile } from "./seccomp-file.ts"
import { makeEmptyFolder, makeSystemEtc } from "./system-etc.ts"
import { systemArguments } from "./system-folders.ts"
import { tryBubblewrap } from "./try-bubblewrap.ts"

const run = promisify(execFile)

/** One thing that sandboxes need, or are better for. */
export interface HostCheck {
  readonly name: string
  readonly isOk: boolean
  /** False: sandboxes work without it, with less. */
  readonly isNeeded: boolean
  /** What was found. */
  readonly detail: string
  /** What to run or change, where it is not ok. */
  readonly fix?: string
}

/** What this host offers to sandboxes; for `berth doctor` and the start script. Starts one sandboxed `true`. */
export async function checkHost(): Promise<readonly HostCheck[]> {
  const bubblewrap = findProgram("bwrap")
  return [
    { name: "linux", isNeeded: true, isOk: process.platform === "linux", detail: process.platform },
    await programCheck("bwrap", "bubblewrap", "--version", [0, 8]),
    await programCheck("socat", "socat", "-V", [1, 7]),
    ...(bubblewrap === null ? [] : [await sandboxCheck(bubblewrap)]),
    uidCheck(),
    seccompCheck(),
    groupCheck(),
  ]
}

async function programCheck(
  name: string,
  packageName: string,
  versionOption: string,
  [major, minor]: readonly [major: number, minor: number],
): Promise<HostCheck> {
  const path = findProgram(name)
  const isNeeded = true
  const fix = installCommand(packageName)
  if (path === null) return { name, isNeeded, isOk: false, detail: "not installed", fix }
  const { stdout } = await run(path, [versionOption])
  const [, found = 0, point = 0] = /(\d+)\.(\d+)/.exec(stdout)?.map(Number) ?? []
  const detail = `${found}.${point} at ${path}`
  if (found > major || (found === major && point >= minor)) return { name, isNeeded, isOk: true, detail }
  return { name, isNeeded, isOk: false, detail: `${detail}, older than ${major}.${minor}`, fix }
}

async function sandboxCheck(bubblewrap: string): Promise<HostCheck> {
  const folder = mkdtempSync(join(tmpdir(), "berth-check-"))
  try {
    chmodSync(folder, 0o755)
    const system = systemArguments(makeSystemEtc(folder), makeEmptyFolder(folder))
    const failure = await tryBubblewrap(bubblewrap, system, makeSeccompFile(folder))
    const name = "user namespaces"
    if (failure === null) return { name, isNeeded: true, isOk: true, detail: "a sandboxed process ran" }
    return { name, isNeeded: true, isOk: false, detail: failure.detail, fix: failure.fix }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function uidCheck(): HostCheck {
  const range = uidRange()
  const name = "uid per session"
  if (range === null) {
    const detail = "sessions share this user's uid, each in a user namespace of its own"
    return { name, isNeeded: false, isOk: false, detail, fix: "run the server as root" }
  }
  return { name, isNeeded: false, isOk: true, detail: `from ${range.first} to ${range.end - 1}` }
}

function seccompCheck(): HostCheck {
  const isKnown = isSeccompArchitecture(process.arch)
  const isBuiltIn = /^Seccomp_filters:/m.test(readFileSync("/proc/self/status", "utf8"))
  return {
    name: "seccomp",
    isNeeded: false,
    isOk: isKnown && isBuiltIn,
    detail: isKnown
      ? `${process.arch}${isBuiltIn ? "" : ", not in this kernel"}`
      : `no policy for ${process.arch}`,
  }
}

function groupCheck(): HostCheck {
  const name = "control groups"
  const { version, controllers } = delegatedControllers()
  const missing = controllerNames.filter((controller) => !controllers.has(controller))
  if (missing.length === 0) {
    return { name, isNeeded: false, isOk: true, detail: `version ${version}: ${[...controllers].join(", ")}` }
  }
  return {
    name,
    isNeeded: false,
    isOk: false,
    detail: `not delegated: ${missing.join(", ")}; limits are weaker`,
    fix: existsSync("/run/systemd/system")
      ? "start the server as a service with Delegate=yes, as deploy/ has one"
      : "mount /sys/fs/cgroup writable for this process",
  }
}
