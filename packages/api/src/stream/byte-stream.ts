import type { Logger } from "@berth/core"
import { describeError } from "../http/error-response.ts"
import type { Heartbeat } from "./heartbeat.ts"

const encoder = new TextEncoder()

/**
 * A pull-based body: nothing is read before the consumer asks, and one chunk at most is held. With a
 * heartbeat, a consumer that waits gets `beat` now and then. `signal` of `open` aborts when the
 * consumer goes away.
 */
export function createByteStream(
  open: (signal: AbortSignal) => AsyncIterable<string>,
  options: { readonly logger: Logger; readonly heartbeat?: Heartbeat; readonly beat?: string },
): ReadableStream<Uint8Array> {
  const { logger, heartbeat } = options
  const beat = encoder.encode(options.beat ?? "")
  const aborter = new AbortController()
  let chunks: AsyncIterator<string> | null = null
  let leave: () => void = () => {}

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (chunks === null) {
          chunks = open(aborter.signal)[Symbol.asyncIterator]()
          leave = heartbeat?.join(() => beatWhenEmpty(controller)) ?? leave
        }
        try {
          const next = await chunks.next()
          if (aborter.signal.aborted) return
          if (next.done !== true) return controller.enqueue(encoder.encode(next.value))
          leave()
          controller.close()
        } catch (error) {
          leave()
          if (aborter.signal.aborted) return
          logger.error({ error: describeError(error) }, "a stream broke off")
          controller.error(error)
        }
      },
      cancel() {
        leave()
        aborter.abort()
      },
    },
    { highWaterMark: 0 },
  )

  function beatWhenEmpty(controller: ReadableStreamDefaultController<Uint8Array>): void {
    // Negative while the last chunk has not been taken: a slow reader needs no sign of life.
    if (controller.desiredSize === 0) controller.enqueue(beat)
  }
}
