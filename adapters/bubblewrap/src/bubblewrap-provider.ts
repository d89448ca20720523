import type { SandboxProvider } from "@berth/core"
import { createFolderProvider, type FolderProviderOptions } from "./folder-provider.ts"
import { prepareHost } from "./host/prepare-host.ts"
import { isolationReport } from "./host/isolation-report.ts"
import { stageFolders } from "./host/stage-folders.ts"
import { launchProcess } from "./launch/launch-process.ts"
import { takeOwner } from "./sandbox-layout.ts"

/**
 * Sandboxes by bubblewrap. Each is a folder, a uid (when we are root) and a control group (where one is
 * delegated to us); each `spawn` is a bubblewrap with namespaces of its own over that folder. No network but
 * a sandbox's forwards: a policy is what stands behind their sockets.
 */
export function createBubblewrapProvider(options: FolderProviderOptions): SandboxProvider {
  return createFolderProvider(options, {
    capabilities: { pause: false, snapshot: false, networkPolicies: true, supervisor: "host" },
    level: "namespaces",
    async prepare() {
      const host = await prepareHost(options.directory, options)
      return {
        groups: host.groups,
        isolation: (limits) => isolationReport(host, limits),
        takeOwner: (directory) => (host.hasOwnUids ? takeOwner(directory) : null),
        reach: (id, folders) => (host.hasOwnUids ? stageFolders(id, folders) : Promise.resolve(folders)),
        launch: (launch) => launchProcess(host, launch),
      }
    },
  })
}
