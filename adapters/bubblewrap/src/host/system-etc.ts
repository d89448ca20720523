import { createHash, randomUUID } from "node:crypto"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { hasErrno } from "../has-errno.ts"
import { insideHostName, insidePaths, insideUser } from "../inside-paths.ts"

/** Public settings of the system that programs need; from here only world-readable files are taken. */
const copied = [
  "alternatives",
  "fonts",
  "ld.so.cache",
  "ld.so.conf",
  "localtime",
  "mime.types",
  "pki/ca-trust/extracted",
  "pki/tls/certs",
  "protocols",
  "services",
  "ssl/cert.pem",
  "ssl/certs",
  "ssl/openssl.cnf",
]

const { name, uid, gid } = insideUser
const written: Readonly<Record<string, string>> = {
  passwd:
    `root:x:0:0:root:/root:/usr/sbin/nologin\n` +
    `${name}:x:${uid}:${gid}:${name}:${insidePaths.home}:/bin/sh\n` +
    `nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
  group: `root:x:0:\n${name}:x:${gid}:\nnogroup:x:65534:\n`,
  hosts: `127.0.0.1 localhost ${insideHostName}\n::1 localhost ${insideHostName}\n`,
  hostname: `${insideHostName}\n`,
  "nsswitch.conf":
    "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\nnetworks: files\n",
  "resolv.conf": "",
}

interface Source {
  readonly path: string
  /** Path below `/etc`. */
  readonly name: string
  readonly link: string | null
}

/**
 * A folder to be shown as `/etc`: written by us, with the host's certificates, alternatives and the like
 * beside. One per state of the host, below `directory`, shared by all sandboxes and never changed.
 */
export function makeSystemEtc(directory: string): string {
  const sources = copied.flatMap((entry) => readSources(entry))
  const folder = join(directory, ".etc", fingerprint(sources))
  if (existsSync(folder)) return folder
  const draft = `${folder}.${randomUUID()}`
  mkdirSync(draft, { recursive: true })
  chmodSync(dirname(folder), 0o755)
  for (const [file, text] of Object.entries(written)) writeFileSync(join(draft, file), text)
  symlinkSync("../usr/lib/os-release", join(draft, "os-release"))
  for (const { path, name: file, link } of sources) {
    const target = join(draft, file)
    mkdirSync(dirname(target), { recursive: true })
    if (link !== null) symlinkSync(link, target)
    else {
      copyFileSync(path, target)
      chmodSync(target, 0o644)
    }
  }
  openToAll(draft)
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another process of ours was first.
    if (!hasErrno(error, "EEXIST", "ENOTEMPTY")) throw error
    rmSync(draft, { recursive: true })
  }
  return folder
}

/** An empty folder, to hide others behind. */
export function makeEmptyFolder(directory: string): string {
  const folder = join(directory, ".empty")
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o755)
  return folder
}

function readSources(entry: string): readonly Source[] {
  const path = join("/etc", entry)
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  if (stats.isSymbolicLink()) return [{ path, name: entry, link: readlinkSync(path) }]
  if ((stats.mode & 0o004) === 0) return []
  if (stats.isDirectory()) return readdirSync(path).flatMap((child) => readSources(join(entry, child)))
  return stats.isFile() ? [{ path, name: entry, link: null }] : []
}

function fingerprint(sources: readonly Source[]): string {
  const hash = createHash("sha256").update(JSON.stringify(written))
  for (const { path, link } of sources) {
    const { mtimeMs, size } = lstatSync(path)
    hash.update(JSON.stringify([path, link, mtimeMs, size]))
  }
  return hash.digest("hex").slice(0, 24)
}

/** Whatever the umask was. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openToAll(path)
    else if (entry.isFile()) chmodSync(path, 0o644)
  }
}
