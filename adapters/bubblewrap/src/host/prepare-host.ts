import { join } from "node:path"
import { AppError, type Clock, type Logger } from "@berth/core"
import { findControlGroups, type ControlGroups } from "../cgroup/find-control-groups.ts"
import type { SandboxHost } from "../launch/launch-process.ts"
import { createPipePool } from "../process/pipe-pool.ts"
import { makeDirectory, uidRange } from "../sandbox-layout.ts"
import { findProgram } from "./find-program.ts"
import { installCommand } from "./install-command.ts"
import { leakedDescriptors } from "./leaked-descriptors.ts"
import { openFilesLimit } from "./open-files-limit.ts"
import { scratchFolder } from "./scratch-folder.ts"
import { makeSeccompFile } from "./seccomp-file.ts"
import { isReachable, reachableFolder } from "./stage-folders.ts"
import { makeEmptyFolder, makeSystemEtc } from "./system-etc.ts"
import { systemArguments } from "./system-folders.ts"
import { tryBubblewrap } from "./try-bubblewrap.ts"

export interface PreparedHost extends SandboxHost {
  readonly groups: ControlGroups | null
  readonly hasOwnUids: boolean
  readonly hasSeccomp: boolean
}

/** What all sandboxes of a directory share, made and tried once. `unavailable` when no sandbox can be. */
export async function prepareHost(
  directory: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<PreparedHost> {
  const bubblewrap = findProgram("bwrap")
  if (bubblewrap === null) {
    throw new AppError("unavailable", `bubblewrap is not installed: run \`${installCommand("bubblewrap")}\`.`)
  }
  makeDirectory(directory)
  const scratch = scratchFolder(directory)
  const pipes = createPipePool(logger)
  const arePipesReady = pipes.prepare()
  const seccompFile = makeSeccompFile(directory)
  const hasOwnUids = uidRange() !== null
  const shared = hasOwnUids && !isReachable(join(directory, "any")) ? reachableFolder() : directory
  const system = systemArguments(makeSystemEtc(shared), makeEmptyFolder(shared))
  const failure = await tryBubblewrap(bubblewrap, system, seccompFile)
  await arePipesReady
  if (failure !== null) {
    throw new AppError("unavailable", `This host lets no sandbox start (${failure.detail}): ${failure.fix}`)
  }
  return {
    bubblewrap,
    system,
    scratch,
    pipes,
    seccompFile,
    openFiles: openFilesLimit(),
    leakedFds: leakedDescriptors(),
    clock,
    logger,
    groups: findControlGroups(),
    hasOwnUids,
    hasSeccomp: seccompFile !== null,
  }
}
