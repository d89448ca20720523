import type { BoundFolder } from "../sandbox-record.ts"

/** Replaces what holds inside a sandbox by what holds on the host, in one argument or variable. */
export type HostWords = (text: string) => string

/** What may stand before and after a path for it to be one. */
const before = String.raw`(?<=^|[\s:=,"'])`
const after = String.raw`(?=$|[/\s:,;"'])`

/** `ports`: inside → host, of the loopback. */
export function hostWords(folders: readonly BoundFolder[], ports: ReadonlyMap<number, number>): HostWords {
  const paths = folders.toSorted((a, b) => b.target.length - a.target.length)
  const byTarget = new Map(paths.map(({ target, source }) => [target, source]))
  const path = new RegExp(
    before + `(?:${paths.map(({ target }) => literally(target)).join("|")})` + after,
    "g",
  )
  const port = new RegExp(`(?<=127\\.0\\.0\\.1:|localhost:)(?:${[...ports.keys()].join("|")})\\b`, "g")
  return (text) => {
    const local = text.replaceAll(path, (target) => byTarget.get(target) ?? target)
    return ports.size === 0
      ? local
      : local.replaceAll(port, (inside) => String(ports.get(Number(inside)) ?? inside))
  }
}

function literally(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&")
}
