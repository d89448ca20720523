import type {
  BlobStore,
  Clock,
  EventLog,
  Ids,
  KeyStore,
  LeaseStore,
  LogArchive,
  SessionStore,
} from "@berth/core"
import { createMemoryBlobStore } from "./blob-store.ts"
import { createMemoryEventLog } from "./event-log.ts"
import { createMemoryKeyStore } from "./key-store.ts"
import { createMemoryLeaseStore } from "./lease-store.ts"
import type { LogTable } from "./log-table.ts"
import { createMemorySessionStore } from "./session-store.ts"

export interface MemoryStores {
  readonly log: EventLog & LogArchive
  readonly leases: LeaseStore
  readonly sessions: SessionStore
  readonly keys: KeyStore
  readonly blobs: BlobStore
}

/** One of each, over one table of logs. */
export function createMemoryStores(options: { readonly clock: Clock; readonly ids: Ids }): MemoryStores {
  const { clock, ids } = options
  const table: LogTable = new Map()
  return {
    log: createMemoryEventLog({ table, clock }),
    leases: createMemoryLeaseStore({ table, clock }),
    sessions: createMemorySessionStore({ table, clock }),
    keys: createMemoryKeyStore({ clock, ids }),
    blobs: createMemoryBlobStore({ clock }),
  }
}
