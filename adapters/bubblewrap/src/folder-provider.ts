import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type {
  Clock,
  Logger,
  Sandbox,
  SandboxCapabilities,
  SandboxInfo,
  SandboxProvider,
  SandboxSpec,
} from "@berth/core"
import type { IsolationReport } from "@berth/protocol"
import { boundFolders, ownNodeDirectory } from "./bound-folders.ts"
import { findControlGroups } from "./cgroup/find-control-groups.ts"
import { groupOf, makeGroup } from "./cgroup/sandbox-group.ts"
import { destroySandbox } from "./destroy-sandbox.ts"
import { hasErrno } from "./has-errno.ts"
import { checkForwards } from "./launch/forwards.ts"
import { hostProcesses, type HostProcess } from "./limits/process-table.ts"
import { removeRemains } from "./remove-remains.ts"
import { openSandbox } from "./open-sandbox.ts"
import { makeParts, makeSandboxFolder, newSandboxId } from "./sandbox-layout.ts"
import type { SandboxKind } from "./sandbox-kind.ts"
import { sandboxProcesses } from "./sandbox-processes.ts"
import { isSandboxId, readRecord, recordName, writeRecord, type SandboxRecord } from "./sandbox-record.ts"

export interface FolderProviderOptions {
  /** A folder of its own on the host: a subfolder per sandbox. Several processes may use it at once. */
  readonly directory: string
  /** The Node installation shown at `insidePaths.node`; default: that of the Node that runs this. */
  readonly nodeDirectory?: string
  readonly logger: Logger
  readonly clock: Clock
}

export interface FolderProviderKind {
  readonly capabilities: SandboxCapabilities
  /** Of the sandboxes it can attach to. It lists and destroys those of every level. */
  readonly level: IsolationReport["level"]
  /** Makes the host ready, or throws `unavailable`. */
  prepare(): Promise<SandboxKind>
}

/**
 * Sandboxes that are folders, without a process of their own. All state is on disk, so that any process may
 * list, attach and destroy, whoever created.
 */
export function createFolderProvider(
  options: FolderProviderOptions,
  of: FolderProviderKind,
): SandboxProvider {
  const { directory, logger, clock } = options
  let prepared: Promise<SandboxKind> | null = null

  /** Once it worked it is not tried again; a failure may have been mended since. */
  function kind(): Promise<SandboxKind> {
    prepared ??= of.prepare().catch((error: unknown) => {
      prepared = null
      throw error
    })
    return prepared
  }

  async function build(id: string, spec: SandboxSpec): Promise<Sandbox> {
    const on = await kind()
    const layout = makeSandboxFolder(directory, id)
    const draft: SandboxRecord = {
      version: 1,
      id,
      labels: spec.labels,
      limits: spec.limits,
      forwards: spec.sockets?.forwards ?? [],
      folders: [],
      owner: on.takeOwner(directory),
      group: on.groups === null ? null : groupOf(on.groups, id),
      isolation: on.isolation(spec.limits),
      createdAt: new Date(clock.now()).toISOString(),
    }
    // First of all: whatever happens from here on, the sandbox is known and can be destroyed.
    writeRecord(layout.folder, draft)
    if (draft.group !== null) makeGroup(draft.group, spec.limits)
    makeParts(layout, draft.owner)
    const folders = boundFolders(layout, spec, options.nodeDirectory ?? ownNodeDirectory())
    const record = { ...draft, folders: await on.reach(id, folders) }
    writeRecord(layout.folder, record)
    return openSandbox({ directory, clock, logger, launch: on.launch }, record)
  }

  const provider: SandboxProvider = {
    capabilities: of.capabilities,

    probe: async () => (await kind()).isolation(),

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
      const record = isSandboxId(id) ? readRecord(join(directory, id)) : null
      if (record?.isolation.level !== of.level) return null
      return openSandbox({ directory, clock, logger, launch: (await kind()).launch }, record)
    },

    async destroy(id) {
      if (isSandboxId(id)) await destroySandbox(directory, id, findControlGroups, clock)
    },

    async list() {
      const ids = namesIn(directory).filter(isSandboxId)
      const records = ids.flatMap((id) => readRecord(join(directory, id)) ?? [])
      const nameless = ids.filter((id) => !existsSync(join(directory, id, recordName)))
      await removeRemains({ directory, records, nameless, destroy: provider.destroy })
      const processes = hostProcesses()
      return records.map((record) => infoOf(record, processes))
    },
  }
  return provider
}

function infoOf(record: SandboxRecord, processes: readonly HostProcess[]): SandboxInfo {
  const { id, labels, createdAt } = record
  return { id, labels, createdAt, isAlive: sandboxProcesses(record, processes).length > 0 }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return []
    throw error
  }
}
