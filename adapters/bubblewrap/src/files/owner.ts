import { fchownSync } from "node:fs"

/** Whom a sandbox's files belong to on the host; null where that is ourselves. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

export function giveTo(fd: number, owner: Owner | null): void {
  if (owner !== null) fchownSync(fd, owner.uid, owner.gid)
}
