import { chmod, rename } from "node:fs/promises"
import type { Server } from "node:http"
import { dirname, join } from "node:path"
import { AppError } from "@berth/core"
import { gatewayLimits } from "../gateway-limits.ts"

/**
 * Listens at `path`, whatever a dead process left there. The socket gets its mode before it gets its
 * name, so nobody can connect in between.
 */
export async function listenUnix(server: Server, path: string, mode: number): Promise<void> {
  if (Buffer.byteLength(path) > gatewayLimits.socketPathBytes) {
    throw new AppError("bad_params", `The socket path ${path} is too long: choose a shorter folder.`)
  }
  const unnamed = join(dirname(path), ".new")
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(unnamed, () => {
      server.off("error", reject)
      resolve()
    })
  })
  await chmod(unnamed, mode)
  await rename(unnamed, path)
}
