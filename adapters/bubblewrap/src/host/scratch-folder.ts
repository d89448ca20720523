import { accessSync, constants } from "node:fs"
import { hasErrno } from "../has-errno.ts"

const sharedMemory = "/dev/shm"

/**
 * Where files are made that lose their name at once. In memory where the host has a place for that: on disk
 * they would wait for whatever the file system's journal is busy with.
 */
export function scratchFolder(fallback: string): string {
  try {
    accessSync(sharedMemory, constants.W_OK | constants.X_OK)
    return sharedMemory
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES", "EROFS")) return fallback
    throw error
  }
}
