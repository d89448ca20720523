import { createServer } from "node:http"
import { text } from "node:stream/consumers"
import { report, type Report } from "../reports/report.ts"
import { stopServer } from "./stand-in-server.test-support.ts"
import { waitFor } from "./wait-for.test-support.ts"

export interface ReportServer extends AsyncDisposable {
  /** In order, each once. */
  readonly reports: Report[]
  /** How often each report came. */
  readonly arrivals: Map<string, number>
  /** Which of the reports of a batch it takes; null answers 500. */
  accept: (batch: readonly Report[]) => readonly Report[] | null
  of<Type extends Report["type"]>(type: Type): Extract<Report, { readonly type: Type }>[]
  waitFor(what: string, isThere: () => boolean): Promise<void>
}

/** Takes reports as Berth's server does, at a Unix socket. */
export async function startReportServer(socketPath: string): Promise<ReportServer> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const batch = body
        .trim()
        .split("\n")
        .map((line) => report.parse(JSON.parse(line)))
      const accepted = reportServer.accept(batch)
      for (const one of batch) {
        reportServer.arrivals.set(one.id, (reportServer.arrivals.get(one.id) ?? 0) + 1)
      }
      for (const one of accepted ?? []) {
        if (!reportServer.reports.some(({ id }) => id === one.id)) reportServer.reports.push(one)
      }
      response.writeHead(accepted === null ? 500 : 200, { "content-type": "application/json" })
      response.end(JSON.stringify({ accepted: accepted?.map(({ id }) => id) }))
    })
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  const reportServer: ReportServer = {
    reports: [],
    arrivals: new Map(),
    accept: (batch) => batch,
    of<Type extends Report["type"]>(type: Type) {
      return reportServer.reports.filter(
        (one): one is Extract<Report, { readonly type: Type }> => one.type === type,
      )
    },
    waitFor: (what, isThere) =>
      waitFor(`${what}; there are ${JSON.stringify(reportServer.reports)}`, isThere),
    [Symbol.asyncDispose]: () => stopServer(server),
  }
  return reportServer
}
