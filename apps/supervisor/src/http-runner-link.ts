import type { IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { isAppError, type Attachment, type RunnerLink } from "@berth/core"
import { limits, runnerProtocolVersion, type BlobHash, type Entry, type LogId } from "@berth/protocol"
import { away, readText, type HttpClient } from "./http-request.ts"

const answerBytesMax = 64 * 1024 * 1024

/** A `RunnerLink` over HTTP, as `@berth/protocol/runner-protocol` has it. */
export function createHttpRunnerLink(options: {
  readonly client: HttpClient
  readonly log: LogId
}): RunnerLink {
  const { client } = options
  const base = `/internal/logs/${options.log}`

  const call = async (path: string, body: string, contentType = "application/json"): Promise<unknown> => {
    const response = await client.send({ method: "POST", path: `${base}/${path}`, contentType, body })
    return JSON.parse(await readText(response, answerBytesMax))
  }

  return {
    async attach({ isolation }) {
      return (await call(
        "attach",
        JSON.stringify({ protocol: runnerProtocolVersion, isolation }),
      )) as Attachment
    },
    async *commands(after, { signal }) {
      const path = `${base}/commands?after=${after}`
      const response = await client.send({
        method: "GET",
        path,
        signal,
        silenceMs: 3 * limits.heartbeatMs,
      })
      yield* readEntries(response, signal)
    },
    async append(firstN, bodies) {
      const lines = bodies.map((body) => JSON.stringify(body)).join("\n")
      return (await call(`append?firstN=${firstN}`, `${lines}\n`, "application/x-ndjson")) as {
        readonly lastN: number
      }
    },
    async renew() {
      await call("renew", "{}")
    },
    async restored(snapshotSeq) {
      await call("restored", JSON.stringify({ snapshotSeq }))
    },
    async release(reason) {
      await call("release", JSON.stringify({ reason: reason.slice(0, 1024) }))
    },
    blobs: {
      async missing(hashes) {
        const answer = await call("blobs/missing", JSON.stringify({ hashes }))
        return (answer as { readonly missing: readonly BlobHash[] }).missing
      },
      async put(hash, content) {
        const response = await client.send({
          method: "PUT",
          path: `${base}/blobs/${hash}`,
          contentType: "application/octet-stream",
          body: content,
        })
        response.resume()
      },
      async get(hash) {
        try {
          const response = await client.send({ method: "GET", path: `${base}/blobs/${hash}` })
          return Readable.toWeb(response) as ReadableStream<Uint8Array>
        } catch (error) {
          if (isAppError(error, "blob_not_found")) return null
          throw error
        }
      },
    },
  }
}

/**
 * The entries of an event stream, as many at once as came at once. `data:` holds one entry; comments and
 * other fields are passed over. Ends when the server ends the stream, throws `unavailable` when it is cut.
 */
async function* readEntries(
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<readonly Entry[]> {
  let rest = ""
  response.setEncoding("utf8")
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop() ?? ""
      const entries = lines
        .filter((line) => line.startsWith('data: {"seq":'))
        .map((line) => JSON.parse(line.slice("data: ".length)) as Entry)
      if (entries.length > 0) yield entries
    }
  } catch (cause) {
    if (!signal.aborted) throw away(cause)
  } finally {
    response.destroy()
  }
}
