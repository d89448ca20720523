import { Socket } from "node:net"
import { AppError } from "@berth/core"

export interface Input {
  readonly stream: WritableStream<Uint8Array>
  /** Nobody reads any more: later writes are refused. */
  finish(): void
}

/** A pipe into a process as a web stream. Owns `fd`. A write to a process that reads no more rejects. */
export function openInput(fd: number): Input {
  const socket = new Socket({ fd, readable: false, writable: true })
  let controller: WritableStreamDefaultController | null = null
  const stream = new WritableStream<Uint8Array>({
    start(it) {
      controller = it
      socket.on("error", (error) => it.error(unread(error)))
    },
    write(chunk) {
      return new Promise((resolve, reject) => {
        socket.write(chunk, (error) => {
          if (error) reject(unread(error))
          else resolve()
        })
      })
    },
    // All writes are through by now; closing the descriptor is the end the process sees.
    close() {
      socket.destroy()
    },
    abort() {
      socket.destroy()
    },
  })
  return {
    stream,
    finish() {
      controller?.error(unread())
      socket.destroy()
    },
  }
}

function unread(cause?: unknown): AppError {
  return new AppError(
    "conflict",
    "The process no longer reads its input.",
    cause === undefined ? {} : { cause },
  )
}
