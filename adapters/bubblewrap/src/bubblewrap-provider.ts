import { readdirSync } from "node:fs"
import { join } from "node:path"
import type { Clock, Logger, Sandbox, SandboxInfo, SandboxProvider, SandboxSpec } from "@berth/core"
import { boundFolders, ownNodeDirectory } from "./bound-folders.ts"
import { findControlGroups } from "./cgroup/find-control-groups.ts"
import { groupOf, makeGroup } from "./cgroup/sandbox-group.ts"
import { destroySandbox } from "./destroy-sandbox.ts"
import { hasErrno } from "./has-errno.ts"
import { isolationReport } from "./host/isolation-report.ts"
import { prepareHost, type PreparedHost } from "./host/prepare-host.ts"
import { stageFolders } from "./host/stage-folders.ts"
import { checkForwards } from "./launch/forwards.ts"
import { openSandbox } from "./open-sandbox.ts"
import { makeParts, makeSandboxFolder, newSandboxId, takeOwner } from "./sandbox-layout.ts"
import { sandboxProcesses } from "./sandbox-processes.ts"
import { isSandboxId, readRecord, writeRecord, type SandboxRecord } from "./sandbox-record.ts"

export interface BubblewrapProviderOptions {
  /** A folder of its own on the host: a subfolder per sandbox. Several processes may use it at once. */
  readonly directory: string
  /** The Node installation shown at `insidePaths.node`; default: that of the Node that runs this. */
  readonly nodeDirectory?: string
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * Sandboxes by bubblewrap. A sandbox is a folder, a uid (when we are root) and a control group (where one is
 * delegated); it has no process of its own. Each `spawn` is a bubblewrap with namespaces of its own over
 * those folders. All state is on disk, so that any process may list, attach and destroy.
 */
export function createBubblewrapProvider(options: BubblewrapProviderOptions): SandboxProvider {
  const { directory, logger, clock } = options
  const nodeDirectory = options.nodeDirectory ?? ownNodeDirectory()
  let prepared: Promise<PreparedHost> | null = null

  /** Once it worked, it is not tried again; a failure may have been mended since. */
  function host(): Promise<PreparedHost> {
    prepared ??= prepareHost(directory, { logger, clock }).catch((error: unknown) => {
      prepared = null
      throw error
    })
    return prepared
  }

  async function build(id: string, spec: SandboxSpec): Promise<Sandbox> {
    const on = await host()
    const layout = makeSandboxFolder(directory, id)
    const draft: SandboxRecord = {
      version: 1,
      id,
      labels: spec.labels,
      limits: spec.limits,
      forwards: spec.sockets?.forwards ?? [],
      folders: [],
      owner: takeOwner(directory),
      group: on.groups === null ? null : groupOf(on.groups, id),
      isolation: isolationReport(on, spec.limits),
      createdAt: new Date(clock.now()).toISOString(),
    }
    // First of all: whatever happens from here on, the sandbox is known and can be destroyed.
    writeRecord(layout.folder, draft)
    if (draft.group !== null) makeGroup(draft.group, spec.limits)
    makeParts(layout, draft.owner)
    const folders = boundFolders(layout, spec, nodeDirectory)
    const record = { ...draft, folders: draft.owner === null ? folders : await stageFolders(id, folders) }
    writeRecord(layout.folder, record)
    return openSandbox(on, record)
  }

  function records(): readonly SandboxRecord[] {
    return namesIn(directory)
      .filter(isSandboxId)
      .map((id) => readRecord(join(directory, id)))
      .filter((record) => record !== null)
  }

  const provider: SandboxProvider = {
    capabilities: { pause: false, snapshot: false, networkPolicies: true, supervisor: "host" },

    probe: async () => isolationReport(await host()),

    async create(spec) {
      checkForwards(spec.sockets?.forwards ?? [])
      const id = newSandboxId()
      try {
        return await build(id, spec)
      } catch (error) {
        await provider.destroy(id)
        throw error
      }
    },

    async attach(id) {
      if (!isSandboxId(id)) return null
      const record = readRecord(join(directory, id))
      return record && openSandbox(await host(), record)
    },

    async destroy(id) {
      if (isSandboxId(id)) await destroySandbox(directory, id, findControlGroups, clock)
    },

    list: () =>
      Promise.resolve(
        records().map((record): SandboxInfo => {
          const { id, labels, createdAt } = record
          return { id, labels, createdAt, isAlive: sandboxProcesses(record).length > 0 }
        }),
      ),
  }
  return provider
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return []
    throw error
  }
}
