import { EventSource } from "eventsource"

export interface Transcript {
  readonly lines: readonly string[]
  until(count: number): Promise<void>
  close(): void
}

/** A reader that reconnects by itself, with the Last-Event-ID that the package keeps. */
export function readTranscript(url: string, id: string): Transcript {
  const lines: string[] = []
  const source = new EventSource(`${url}/api/sessions/${id}/sync`)
  let wanted = Number.POSITIVE_INFINITY
  let arrived: () => void = () => {}
  source.addEventListener("message", (event) => {
    lines.push(event.data as string)
    if (lines.length >= wanted) arrived()
  })
  return {
    lines,
    until: (count) =>
      new Promise((resolve) => {
        wanted = count
        arrived = resolve
        if (lines.length >= count) resolve()
      }),
    close: () => source.close(),
  }
}
