import type { IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { AppError } from "@berth/core"
import { gatewayLimits } from "../gateway-limits.ts"

/** Bytes of bodies that wait in memory: of one log, or of all. */
export interface BodyMemory {
  heldBytes: number
  readonly limitBytes: number
}

export type BodySource = Readable & Pick<IncomingMessage, "headers">

export interface HeldBody {
  readonly sizeBytes: number
  /** The body, once; gives its memory back piece by piece. */
  read(): Readable
  /** Gives back what was not read. Idempotent. */
  release(): void
}

/**
 * Takes a whole body into memory, within the limits of one body, of one log and of all. Throws
 * `too_large`, `unavailable`, and the stream's own error when the sandbox goes away.
 */
export async function holdBody(
  request: BodySource,
  owners: readonly BodyMemory[],
  onChunk: (chunk: Uint8Array) => void,
): Promise<HeldBody> {
  let chunks: Uint8Array[] = []
  let heldBytes = 0

  function hold(bytes: number): void {
    heldBytes += bytes
    for (const owner of owners) owner.heldBytes += bytes
  }
  function release(): void {
    hold(-heldBytes)
    chunks = []
  }
  function* drain(): Generator<Uint8Array> {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
      hold(-chunk.length)
      yield chunk
    }
  }

  try {
    for await (const chunk of limitBody(request)) {
      hold(chunk.length)
      if (owners.some((owner) => owner.heldBytes > owner.limitBytes)) {
        throw new AppError("unavailable", "Too many large requests are waiting at once; try again.")
      }
      chunks.push(chunk)
      onChunk(chunk)
    }
  } catch (error) {
    release()
    throw error
  }
  return { sizeBytes: heldBytes, read: () => Readable.from(drain(), { objectMode: false }), release }
}

/** A body as it comes, with nothing held; fails with `too_large` behind the limit. */
export function streamBody(request: BodySource, onChunk: (chunk: Uint8Array) => void): Readable {
  async function* watch(): AsyncGenerator<Uint8Array> {
    for await (const chunk of limitBody(request)) {
      onChunk(chunk)
      yield chunk
    }
  }
  return Readable.from(watch(), { objectMode: false })
}

async function* limitBody(request: BodySource): AsyncGenerator<Uint8Array> {
  const limit = gatewayLimits.requestBodyBytes
  const message = `A request's body may have at most ${limit} bytes.`
  if (Number(request.headers["content-length"] ?? 0) > limit) throw new AppError("too_large", message)
  let sizeBytes = 0
  // Leaving early must not take the connection down: it still carries the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Uint8Array
    sizeBytes += bytes.length
    if (sizeBytes > limit) throw new AppError("too_large", message)
    yield bytes
  }
}
