import { readSync } from "node:fs"
import { Socket } from "node:net"
import { hasErrno } from "../has-errno.ts"

export interface Output {
  readonly stream: ReadableStream<Uint8Array>
  /** Once nobody can write any more: takes over what is still in the pipe and ends the stream. */
  finish(): void
}

const queueBytes = 256 * 1024
const chunkBytes = 64 * 1024
/** More than any pipe holds: bounds the last reads should somebody have kept the other end after all. */
const restBytes = 2 * 1024 * 1024

/** What arrives on a pipe, as a web stream with back-pressure. Owns `fd`. */
export function openOutput(fd: number): Output {
  const socket = new Socket({ fd, readable: true, writable: false, allowHalfOpen: true })
  socket.pause()
  let isOpen = true
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null

  function close(): void {
    if (!isOpen) return
    isOpen = false
    controller?.close()
    socket.destroy()
  }

  const stream = new ReadableStream<Uint8Array>(
    {
      start(it) {
        controller = it
        socket.on("data", (chunk: Buffer) => {
          it.enqueue(viewOf(chunk))
          if ((it.desiredSize ?? 0) <= 0) socket.pause()
        })
        socket.on("end", close)
        socket.on("error", (error) => {
          if (!isOpen) return
          isOpen = false
          it.error(error)
        })
      },
      pull() {
        if (isOpen) socket.resume()
      },
      cancel() {
        // Nobody listens, and the process must not stall for that.
        controller = null
        socket.removeAllListeners("data")
        socket.resume()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: queueBytes }),
  )

  return {
    stream,
    finish() {
      if (!isOpen) return
      socket.pause()
      if (controller !== null) for (const chunk of restOf(socket, fd)) controller.enqueue(chunk)
      close()
    },
  }
}

/** What the socket has read and not given out, then what the pipe still holds. */
function* restOf(socket: Socket, fd: number): Generator<Uint8Array> {
  for (let chunk: unknown = socket.read(); Buffer.isBuffer(chunk); chunk = socket.read()) yield viewOf(chunk)
  for (let total = 0; total < restBytes;) {
    const chunk = new Uint8Array(chunkBytes)
    const length = readNow(fd, chunk)
    if (length === 0) return
    total += length
    yield chunk.subarray(0, length)
  }
}

/** 0 at the end, and when there is nothing now. */
function readNow(fd: number, chunk: Uint8Array): number {
  try {
    return readSync(fd, chunk)
  } catch (error) {
    if (hasErrno(error, "EAGAIN")) return 0
    throw error
  }
}

function viewOf(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
