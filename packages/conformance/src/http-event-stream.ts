/** One block of a stream of server-sent events, comments included. */
export interface StreamFrame {
  readonly id: string | null
  readonly event: string | null
  readonly data: string | null
  readonly comment: string | null
}

export interface EventStream {
  /** The next frame, comments included; null at the end. */
  read(): Promise<StreamFrame | null>
  /** The next frame with data, or null at the end. */
  next(): Promise<StreamFrame | null>
  /** Frames with data up to and including the first that `isLast` takes, or to the end. */
  until(isLast: (frame: StreamFrame) => boolean): Promise<readonly StreamFrame[]>
  close(): Promise<void>
}

export function isCaughtUp(frame: StreamFrame): boolean {
  return frame.event === "caught_up"
}

/** Reads a response strictly as the standard says, one frame at a time. */
export function openEventStream(response: Response): EventStream {
  if (response.body === null) throw new Error("the response has no body")
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let buffer = ""

  const read = async (): Promise<StreamFrame | null> => {
    for (;;) {
      const end = buffer.indexOf("\n\n")
      if (end !== -1) {
        const block = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        return parseFrame(block)
      }
      const { value, done } = await reader.read()
      if (done) return null
      buffer += decoder.decode(value, { stream: true })
    }
  }

  const next = async (): Promise<StreamFrame | null> => {
    for (;;) {
      const frame = await read()
      if (frame === null || frame.data !== null) return frame
    }
  }

  return {
    read,
    next,
    async until(isLast) {
      const frames: StreamFrame[] = []
      for (;;) {
        const frame = await next()
        if (frame === null) return frames
        frames.push(frame)
        if (isLast(frame)) return frames
      }
    },
    close: () => reader.cancel(),
  }
}

function parseFrame(block: string): StreamFrame {
  const fields = { id: null, event: null, data: null, comment: null } as Record<string, string | null>
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":")
    const name = colon === 0 ? "comment" : line.slice(0, colon === -1 ? undefined : colon)
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "")
    fields[name] = value
  }
  const { id = null, event = null, data = null, comment = null } = fields
  return { id, event, data, comment }
}
