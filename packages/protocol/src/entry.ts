import type { Command } from "./command.ts"
import type { BlobHash } from "./ids.ts"
import type { Notification } from "./notification.ts"

/** Who an entry comes from. Stamped by the server; never taken from the sender. */
export type Origin = "client" | "server" | "sandbox"

/** What happened, without its place in the log. */
export type EntryBody =
  | { readonly type: "notification"; readonly notification: Notification }
  | { readonly type: "client_message"; readonly message: Command; readonly key: string }
  | SpilledBody

/**
 * Stands for a body larger than `limits.entryBytes`. The blob holds the body's JSON; `method` is the
 * spilled body's, so that a reader can decide whether to fetch it.
 */
export interface SpilledBody {
  readonly type: "spilled"
  readonly method: string
  readonly blob: BlobHash
  readonly size: number
  /** The command's key, when a client message was spilled. */
  readonly key?: string
}

/** One line of the log, as stored, exported and sent: `sync-and-events.md`, "Entries". */
export type Entry = {
  /** Dense per log, from 1. */
  readonly seq: number
  /** The lease under which it was appended; for a submitted entry the newest epoch then. */
  readonly epoch: number
  /** ISO 8601 in UTC, with milliseconds; the store's clock. */
  readonly timestamp: string
  readonly origin: Origin
  /** First seq of a compacted frame; absent in the stored form. */
  readonly from?: number
} & EntryBody
