import { open, type FileHandle } from "node:fs/promises"

const chunkBytes = 256 * 1024

/**
 * Bytes from `start` up to `end`, as they are asked for. The file is open from the first pull to the
 * end, an error or a cancel: a stream that nobody reads holds nothing.
 */
export function readFileRange(path: string, start: number, end: number): ReadableStream<Uint8Array> {
  let position = start
  let file: FileHandle | null = null
  const close = async (): Promise<void> => {
    await file?.close()
    file = null
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const length = Math.min(chunkBytes, end - position)
        if (length <= 0) {
          await close()
          controller.close()
          return
        }
        try {
          file ??= await open(path, "r")
          const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, position)
          if (bytesRead === 0) throw new Error(`${path} ended at ${position} of ${end} bytes`)
          position += bytesRead
          controller.enqueue(buffer.subarray(0, bytesRead))
        } catch (error) {
          await close()
          throw error
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}
