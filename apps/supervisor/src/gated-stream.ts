/** The same bytes, read only while `room` lets them: what is not read holds the writer back. */
export function gateStream(
  source: ReadableStream<Uint8Array>,
  room: () => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await room()
        const { value, done } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** Reads to the end and keeps the last `bytesMax` bytes. Never rejects. */
export async function keepTail(source: ReadableStream<Uint8Array>, bytesMax: number): Promise<() => string> {
  let tail: Uint8Array = new Uint8Array(0)
  const text = (): string => new TextDecoder().decode(tail).trim()
  try {
    for await (const chunk of source) {
      const joined = new Uint8Array(Math.min(tail.byteLength, bytesMax) + chunk.byteLength)
      joined.set(tail.subarray(Math.max(0, tail.byteLength - bytesMax)))
      joined.set(chunk, joined.byteLength - chunk.byteLength)
      tail = joined.slice(Math.max(0, joined.byteLength - bytesMax))
    }
  } catch {
    return text
  }
  return text
}
