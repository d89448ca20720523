import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { hasErrno } from "../has-errno.ts"
import {
  controllerNames,
  parseHierarchies,
  type ControllerName,
  type Hierarchies,
} from "./parse-hierarchies.ts"

/** Folders in which we may make groups. */
export interface ControlGroups {
  readonly version: 1 | 2
  /** Parent folder per controller; with version 2 the same one. A missing controller is not to be had. */
  readonly parents: Readonly<Partial<Record<ControllerName, string>>>
}

/** Version 2 lets no process be beside groups that have controllers: ours go here first. */
const hostLeaf = "berth-host"
/** Version 2, as root of the whole machine: our groups, as container runtimes do it. */
const topGroup = "berth"

/**
 * The control groups delegated to us, or null. Below our own group where that can be, so that a limit set on
 * us holds for what we start. With version 2 this may move this process into a leaf of its group.
 */
export function findControlGroups(): ControlGroups | null {
  const hierarchies = readHierarchies()
  if (hierarchies === null) return null
  const parents = writableV1(hierarchies)
  if (Object.keys(parents).length > 0) return { version: 1, parents }
  const folder = hierarchies.v2 === null ? null : delegatedUnified(hierarchies.v2)
  if (folder === null) return null
  const enabled = readWords(join(folder, "cgroup.subtree_control"))
  const names = controllerNames.filter((name) => enabled.has(name))
  return { version: 2, parents: Object.fromEntries(names.map((name) => [name, folder])) }
}

/** What `findControlGroups` would find, as far as can be told without changing anything. */
export function delegatedControllers(): {
  readonly version: 1 | 2
  readonly controllers: ReadonlySet<ControllerName>
} {
  const hierarchies = readHierarchies()
  const v1 = hierarchies === null ? [] : Object.keys(writableV1(hierarchies))
  if (v1.length > 0 || !hierarchies?.v2) {
    return { version: 1, controllers: new Set(controllerNames.filter((name) => v1.includes(name))) }
  }
  const base = baseOf(hierarchies.v2.own)
  const offered = isWritable(base) ? readWords(join(base, "cgroup.controllers")) : new Set()
  return { version: 2, controllers: new Set(controllerNames.filter((name) => offered.has(name))) }
}

function writableV1(hierarchies: Hierarchies): Partial<Record<ControllerName, string>> {
  const parents: Partial<Record<ControllerName, string>> = {}
  for (const name of controllerNames) {
    const folder = hierarchies.v1[name]
    if (folder !== undefined && canMakeGroup(folder)) parents[name] = folder
  }
  return parents
}

function readHierarchies(): Hierarchies | null {
  try {
    return parseHierarchies(
      readFileSync("/proc/self/mountinfo", "utf8"),
      readFileSync("/proc/self/cgroup", "utf8"),
    )
  } catch (error) {
    // A kernel without control groups.
    if (hasErrno(error, "ENOENT")) return null
    throw error
  }
}

function canMakeGroup(folder: string): boolean {
  const probe = join(folder, `berth-probe-${process.pid}`)
  try {
    mkdirSync(probe)
    rmdirSync(probe)
    return true
  } catch (error) {
    if (hasErrno(error, "EACCES", "EPERM", "EROFS", "ENOENT", "EEXIST")) return false
    throw error
  }
}

/** A folder of version 2 whose groups have our controllers, as far as there are any; or null. */
function delegatedUnified({ own, mount }: { readonly own: string; readonly mount: string }): string | null {
  const base = baseOf(own)
  if (!hasAnyController(base) || !isWritable(base)) return null
  if (enable(base)) return base
  if (!existsSync(join(mount, "cgroup.type")) && isWritable(mount)) {
    const top = join(mount, topGroup)
    mkdirSync(top, { recursive: true })
    if (enable(mount) && enable(top)) return top
  }
  moveToLeaf(base)
  return enable(base) ? base : null
}

function baseOf(own: string): string {
  return basename(own) === hostLeaf ? dirname(own) : own
}

/** Hands the controllers down to the groups in `folder`; false while it holds processes itself. */
function enable(folder: string): boolean {
  const offered = readWords(join(folder, "cgroup.controllers"))
  const enabled = readWords(join(folder, "cgroup.subtree_control"))
  const wanted = controllerNames.filter((name) => offered.has(name))
  const missing = wanted.filter((name) => !enabled.has(name))
  if (missing.length === 0) return wanted.length > 0
  try {
    writeFileSync(join(folder, "cgroup.subtree_control"), missing.map((name) => `+${name}`).join(" "))
    return true
  } catch (error) {
    if (hasErrno(error, "EBUSY", "EACCES", "EPERM", "ENOENT", "EOPNOTSUPP", "EINVAL")) return false
    throw error
  }
}

function moveToLeaf(base: string): void {
  const leaf = join(base, hostLeaf)
  mkdirSync(leaf, { recursive: true })
  for (const pid of readFileSync(join(base, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
    try {
      writeFileSync(join(leaf, "cgroup.procs"), pid)
    } catch (error) {
      // It ended meanwhile, or is not ours to move; then `enable` says so.
      if (!hasErrno(error, "ESRCH", "EACCES", "EPERM", "EINVAL")) throw error
    }
  }
}

function hasAnyController(folder: string): boolean {
  const offered = readWords(join(folder, "cgroup.controllers"))
  return controllerNames.some((name) => offered.has(name))
}

function readWords(path: string): ReadonlySet<string> {
  try {
    return new Set(readFileSync(path, "utf8").trim().split(" "))
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES")) return new Set()
    throw error
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    accessSync(join(path, "cgroup.procs"), constants.W_OK)
    return true
  } catch (error) {
    if (hasErrno(error, "EACCES", "EROFS", "ENOENT")) return false
    throw error
  }
}
