import { chmod, lstat, mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { AppError, gatewaySocketName } from "@berth/core"

/**
 * The folder of all socket folders. Others may pass through it but not list it: bubblewrap, already
 * running as the sandbox's user, has to reach the folder it mounts, whose name it cannot guess.
 * Throws `forbidden` when the folder is somebody else's.
 */
export async function prepareSocketRoot(socketRoot: string): Promise<void> {
  await mkdir(socketRoot, { recursive: true, mode: 0o711 })
  const info = await lstat(socketRoot)
  if (!info.isDirectory() || info.uid !== process.getuid?.()) {
    throw new AppError("forbidden", `${socketRoot} must be a folder that belongs to this server's user.`)
  }
  await chmod(socketRoot, 0o711)
}

/** A sandbox's folder. An existing one is kept: a live sandbox has it mounted. */
export async function makeSocketDirectory(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true })
  await chmod(directory, 0o755)
  return join(directory, gatewaySocketName)
}

export async function removeSocketDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}
