import type { Entry, EntryBody, Origin } from "@berth/protocol"

/**
 * The stored form of an entry: one line of JSON, place first, then the body. Readers are sent these
 * very bytes, so a transcript can be compared byte for byte.
 */
export function encodeEntry(
  place: {
    readonly seq: number
    readonly epoch: number
    readonly timestamp: string
    readonly origin: Origin
  },
  body: EntryBody,
): string {
  const { seq, epoch, timestamp, origin } = place
  return `{"seq":${seq},"epoch":${epoch},"timestamp":"${timestamp}","origin":"${origin}",${JSON.stringify(body).slice(1)}`
}

/** Reads a stored line. The store wrote it, so its shape is trusted. */
export function decodeEntry(text: string): Entry {
  return JSON.parse(text) as Entry
}
