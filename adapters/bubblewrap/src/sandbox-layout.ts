import { randomBytes, randomInt } from "node:crypto"
import { chmodSync, chownSync, mkdirSync, readFileSync, rmdirSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "@berth/core"
import type { Owner } from "./files/owner.ts"
import { hasErrno } from "./has-errno.ts"

/** Parts of a sandbox's folder. `staging` is ours; the others are shown inside and belong to its user. */
const shownParts = ["workspace", "home", "tmp"] as const
/** What counts against the disk limit. */
export const storedParts = [...shownParts, "staging"] as const

export interface SandboxLayout {
  readonly folder: string
  readonly workspace: string
  readonly home: string
  readonly tmp: string
  readonly staging: string
}

const uidAttempts = 20
/** Below are people, services, subordinate uids and most dynamic ones; above nothing is a valid uid_t everywhere. */
const wideRange = { first: 2 ** 20, end: 2 ** 31 - 1 }
const narrowFirst = 20_000
const narrowestRange = 10_000

export function newSandboxId(): string {
  return randomBytes(12).toString("hex")
}

export function layoutOf(directory: string, id: string): SandboxLayout {
  const folder = join(directory, id)
  const part = (name: string): string => join(folder, name)
  return {
    folder,
    workspace: part("workspace"),
    home: part("home"),
    tmp: part("tmp"),
    staging: part("staging"),
  }
}

/** The sandbox's own folder: others may pass through it, to what they may see, and not list it. */
export function makeSandboxFolder(directory: string, id: string): SandboxLayout {
  const layout = layoutOf(directory, id)
  mkdirSync(layout.folder, { mode: 0o711 })
  chmodSync(layout.folder, 0o711)
  return layout
}

export function makeParts(layout: SandboxLayout, owner: Owner | null): void {
  mkdirSync(layout.staging, { mode: 0o700 })
  for (const part of shownParts) {
    mkdirSync(layout[part], { mode: 0o700 })
    if (owner !== null) chownSync(layout[part], owner.uid, owner.gid)
  }
}

/** Uids and gids of this host that a sandbox may be given; null where we can take on no other than our own. */
export function uidRange(): { readonly first: number; readonly end: number } | null {
  if (process.getuid?.() !== 0) return null
  const ends = ["/proc/self/uid_map", "/proc/self/gid_map"].map((path) =>
    mappedEnd(readFileSync(path, "utf8")),
  )
  const end = Math.min(wideRange.end, ...ends)
  const first = end - wideRange.first >= narrowestRange ? wideRange.first : narrowFirst
  return end - first >= narrowestRange ? { first, end } : null
}

/** One past the last id, from 0, that a user namespace maps without a gap. */
function mappedEnd(map: string): number {
  const ranges = map.split("\n").flatMap((line) => {
    const [inside, , length] = line.trim().split(/\s+/).map(Number)
    return inside === undefined || length === undefined ? [] : [{ inside, length }]
  })
  let end = 0
  for (const { inside, length } of ranges.toSorted((a, b) => a.inside - b.inside)) {
    if (inside === end) end += length
  }
  return end
}

/** A uid that no sandbox in `directory` has; its reservation lives until `freeOwner`. */
export function takeOwner(directory: string): Owner | null {
  const range = uidRange()
  if (range === null) return null
  for (let attempt = 0; attempt < uidAttempts; attempt += 1) {
    const uid = randomInt(range.first, range.end)
    try {
      mkdirSync(uidFolder(directory, uid), { recursive: false })
      return { uid, gid: uid }
    } catch (error) {
      if (!hasErrno(error, "EEXIST")) throw error
    }
  }
  throw new AppError("unavailable", "No uid is free for a sandbox: delete sessions, then try again.")
}

export function freeOwner(directory: string, owner: Owner | null): void {
  if (owner === null) return
  try {
    rmdirSync(uidFolder(directory, owner.uid))
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
  }
}

/** Makes what all sandboxes of a directory share. */
export function makeDirectory(directory: string): void {
  mkdirSync(join(directory, ".uids"), { recursive: true, mode: 0o711 })
  chmodSync(directory, 0o711)
}

function uidFolder(directory: string, uid: number): string {
  return join(directory, ".uids", String(uid))
}
