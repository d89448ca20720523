import { AppError } from "@berth/core"
import { createParser, type EventSourceMessage } from "eventsource-parser"

/** Server-sent events of one connection, until it ends. Throws `unavailable` when it breaks or falls silent. */
export async function* readEvents(
  response: Response,
  options: { readonly silenceMs: number },
): AsyncGenerator<EventSourceMessage> {
  if (response.body === null) throw new AppError("upstream_failed", "The answer has no body.")
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => void events.push(event) })
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), options.silenceMs)
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      yield* events.splice(0)
    }
  } finally {
    // Nobody waits for the rest; that the connection is already broken is what brought us here.
    await reader.cancel().catch(() => null)
  }
}

/** The server sends a comment every ten seconds: a longer silence is a connection that is dead. */
async function withinSilence<Result>(read: Promise<Result>, silenceMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new AppError("unavailable", `Nothing was heard for ${silenceMs} ms.`))
    }, silenceMs)
  })
  try {
    return await Promise.race([read, silence])
  } catch (error) {
    if (error instanceof AppError || (error instanceof Error && error.name === "AbortError")) throw error
    throw new AppError("unavailable", "The connection broke.", { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
