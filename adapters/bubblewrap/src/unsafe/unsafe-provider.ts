import type { SandboxProvider } from "@berth/core"
import { limits as defaults, type IsolationReport } from "@berth/protocol"
import { createFolderProvider, type FolderProviderOptions } from "../folder-provider.ts"
import { createPipePool } from "../process/pipe-pool.ts"
import { makeDirectory } from "../sandbox-layout.ts"
import { launchUnsafe } from "./launch-unsafe.ts"

/**
 * No sandboxes: plain processes of our own user, with the host's files and network, for hosts that cannot
 * isolate and operators who say so (`--unsafe-no-sandbox`). Inside paths in arguments and variables are
 * replaced by the host's, so that agents run unchanged. Only the disk limit holds.
 */
export function createUnsafeProvider(options: FolderProviderOptions): SandboxProvider {
  const { directory, clock, logger } = options
  return createFolderProvider(options, {
    capabilities: { pause: false, snapshot: false, networkPolicies: false, supervisor: "host" },
    level: "none",
    prepare() {
      makeDirectory(directory)
      const pipes = createPipePool(logger)
      logger.warn({}, "processes are NOT isolated: started with --unsafe-no-sandbox")
      return Promise.resolve({
        groups: null,
        isolation: (limits = defaults.sandbox) => noIsolation(limits),
        takeOwner: () => null,
        reach: (_id, folders) => Promise.resolve(folders),
        launch: (launch) => launchUnsafe({ pipes, clock, logger }, launch),
      })
    },
  })
}

function noIsolation(limits: {
  memoryMib: number
  cpu: number
  pids: number
  diskMib: number
}): IsolationReport {
  return {
    level: "none",
    user: "none",
    seccomp: false,
    limits: {
      memory_mib: { value: limits.memoryMib, mechanism: "none" },
      cpu: { value: limits.cpu, mechanism: "none" },
      pids: { value: limits.pids, mechanism: "none" },
      disk_mib: { value: limits.diskMib, mechanism: "polled" },
    },
  }
}
