import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from "node:fs"
import { randomUUID } from "node:crypto"
import { join } from "node:path"

/** A file without a name, to hand bytes to a child or have them from it without waiting for either. */
export interface ScratchFile extends Disposable {
  readonly fd: number
  /** What it holds now. */
  read(): string
}

const readBytes = 4096

/** `content` is what a child reads from the start of the descriptor it inherits. */
export function openScratchFile(folder: string, content = ""): ScratchFile {
  const path = join(folder, `.berth-${randomUUID()}`)
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    unlinkSync(path)
    const bytes = Buffer.from(content)
    // At a position: a child shares the descriptor's own, which must stay at the start.
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, done)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return {
    fd,
    read() {
      const buffer = Buffer.alloc(readBytes)
      return buffer.toString("utf8", 0, readSync(fd, buffer, 0, readBytes, 0))
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}
