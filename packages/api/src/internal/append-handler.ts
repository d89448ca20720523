import { AppError } from "@berth/core"
import { limits } from "@berth/protocol"
import { decodeUtf8 } from "../http/read-json.ts"
import type { OpenDoorFor } from "./door-keeper.ts"

/** One `POST /internal/logs/{log}/append?firstN=`, taken apart. */
export interface AppendCall {
  readonly log: string
  readonly authorization: string | null
  readonly firstN: string | null
  readonly body: Uint8Array
}

/** Resolves once durable. Throws AppError: those of `RunnerDoor.appendLines`, and of the door itself. */
export type HandleAppend = (call: AppendCall) => Promise<{ readonly lastN: number }>

/**
 * The busiest route of all, apart from any framework, so that a server may call it straight from its
 * socket. `createInternalApi` serves the same.
 */
export function createAppendHandler(openDoor: OpenDoorFor): HandleAppend {
  return async ({ log, authorization, firstN, body }) => {
    const door = await openDoor(authorization, log)
    if (body.byteLength > limits.appendBatchBytes) {
      throw new AppError("too_large", `A batch may have ${limits.appendBatchBytes} bytes at most.`)
    }
    return door.appendLines(readFirstN(firstN), readLines(decodeUtf8(body)))
  }
}

function readFirstN(text: string | null): number {
  if (text !== null && /^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new AppError("bad_params", "Say the number of the first entry: ?firstN=, from 1.", {
    details: { path: "firstN" },
  })
}

/** NDJSON; a last line break is no line. */
function readLines(text: string): readonly string[] {
  const whole = text.endsWith("\n") ? text.slice(0, -1) : text
  if (whole === "") throw new AppError("bad_params", "Send one entry a line, and at least one.")
  return whole.split("\n")
}
