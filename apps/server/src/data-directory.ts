import { createHash, randomBytes } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Where everything of one server is. Folders can be passed through but not listed by sandbox users. */
export interface DataDirectory {
  readonly root: string
  readonly database: string
  readonly blobs: string
  readonly runners: string
  readonly sandboxes: string
  readonly agents: string
  readonly gateway: string
  /** Short enough that socket paths below it stay within the 107 bytes Linux allows. */
  readonly sockets: string
  readonly serverSocket: string
  readonly gatewaySocket: string
  /** 32 random bytes made on first use: signs runner tokens and encrypts secrets. */
  readonly secret: Uint8Array
}

const socketPathRoom = 55

export function openDataDirectory(root: string): DataDirectory {
  const makeFolder = (path: string, mode: number): string => {
    mkdirSync(path, { recursive: true, mode })
    chmodSync(path, mode)
    return path
  }
  makeFolder(root, 0o711)
  const sockets = makeFolder(socketFolder(root), 0o711)
  return {
    root,
    database: join(root, "berth.sqlite"),
    blobs: makeFolder(join(root, "blobs"), 0o700),
    runners: makeFolder(join(root, "runners"), 0o700),
    sandboxes: makeFolder(join(root, "sandboxes"), 0o711),
    agents: makeFolder(join(root, "agents"), 0o755),
    gateway: makeFolder(join(root, "gateway"), 0o700),
    sockets,
    serverSocket: join(sockets, "server.sock"),
    gatewaySocket: join(sockets, "gateway.sock"),
    secret: readSecret(join(root, "secret.key")),
  }
}

function socketFolder(root: string): string {
  const inside = join(root, "run")
  if (inside.length <= socketPathRoom) return inside
  const name = createHash("sha256").update(root).digest("hex").slice(0, 12)
  return join(tmpdir(), `berth-${name}`)
}

function readSecret(path: string): Uint8Array {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600, flag: "wx", flush: true })
  return readFileSync(path)
}
