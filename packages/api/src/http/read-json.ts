import { AppError, isDeeperThan, maxJsonDepth } from "@berth/core"
import { limits } from "@berth/protocol"
import { findJsonFault } from "./json-fault.ts"

const jsonType = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i

/**
 * The JSON body of a request. An empty body is `{}` where `isOptional`. `unsupported_media_type`,
 * `too_large`, `bad_json` with the position of the fault.
 */
export async function readJson(
  request: Request,
  options: { readonly isOptional: boolean },
): Promise<unknown> {
  const bytes = await readBody(request, limits.jsonBodyBytes)
  if (bytes.byteLength === 0 && options.isOptional) return {}
  const contentType = request.headers.get("content-type") ?? ""
  if (!jsonType.test(contentType)) {
    throw new AppError("unsupported_media_type", "Send JSON with Content-Type: application/json.")
  }
  return parseJson(decodeUtf8(bytes))
}

/** The whole body, refused with `too_large` as soon as it is known to be over `maxBytes`. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0)
  if (declared > maxBytes) throw tooLarge(maxBytes)
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : join(chunks, size)
}

/** Throws `bad_json` for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError("bad_json", "The body is not UTF-8.", { cause })
  }
}

/** `bad_json` with `details` of where; also for what is nested too deep to be walked. */
export function parseJson(text: string): unknown {
  if (isDeeperThan(text, maxJsonDepth)) {
    throw new AppError("bad_json", `The JSON is nested deeper than ${maxJsonDepth} levels.`)
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const fault = findJsonFault(text)
    throw new AppError(
      "bad_json",
      `The body stops being JSON at line ${fault.line}, column ${fault.column}.`,
      {
        cause,
        details: { ...fault },
      },
    )
  }
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", `The body may have ${maxBytes} bytes at most.`, { details: { maxBytes } })
}
