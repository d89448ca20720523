import { createJsonScanner } from "../json/json-scanner.ts"
import { createSseDataReader } from "../json/sse-data.ts"
import type { AnswerReader, AnswerTally } from "./upstream.ts"

export interface AnswerMeter {
  write(chunk: Uint8Array): void
  /** What the answer told of itself. `isFinal` is false when it stopped before its end. */
  end(): AnswerTally
}

const emptyTally: AnswerTally = { usage: null, model: null, isFinal: false, failure: null }

/** Reads usage from an answer as it passes by; an answer it cannot read is never final. */
export function createAnswerMeter(reader: AnswerReader, contentType: string): AnswerMeter {
  return contentType.toLowerCase().startsWith("text/event-stream")
    ? createEventMeter(reader)
    : createWholeMeter(reader)
}

function createWholeMeter(reader: AnswerReader): AnswerMeter {
  const scanner = createJsonScanner({ paths: reader.paths })
  return {
    write: (chunk) => scanner.write(chunk),
    end: () => {
      const found = scanner.end()
      return found === null ? emptyTally : { ...reader.fold(emptyTally, found), isFinal: true }
    },
  }
}

function createEventMeter(reader: AnswerReader): AnswerMeter {
  let tally = emptyTally
  let scanner = createJsonScanner({ paths: reader.paths })
  const write = createSseDataReader({
    onData: (piece) => scanner.write(piece),
    onEvent: () => {
      const found = scanner.end()
      if (found !== null) tally = reader.fold(tally, found)
      scanner = createJsonScanner({ paths: reader.paths })
    },
  })
  return { write, end: () => tally }
}
