import { createHash } from "node:crypto"
import { existsSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { randomUUID } from "node:crypto"
import { isSeccompArchitecture, sandboxPolicy } from "../seccomp/sandbox-policy.ts"

/** The policy as a file for bubblewrap to read; null on an architecture we have none for. */
export function makeSeccompFile(directory: string): string | null {
  const { arch } = process
  if (!isSeccompArchitecture(arch)) return null
  const program = sandboxPolicy(arch)
  const name = createHash("sha256").update(program).digest("hex").slice(0, 24)
  const path = join(directory, `.seccomp-${name}`)
  if (!existsSync(path)) {
    const draft = `${path}.${randomUUID()}`
    writeFileSync(draft, program, { mode: 0o600 })
    renameSync(draft, path)
  }
  return path
}
