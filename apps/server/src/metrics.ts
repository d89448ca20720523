import type { RequestObservation } from "@berth/api"
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client"

export interface Metrics {
  readonly observe: (request: RequestObservation) => void
  readonly observeReaders: (count: number) => void
  readonly render: () => Promise<{ readonly contentType: string; readonly text: string }>
}

/** Prometheus metrics. `countSandboxes` is asked at each scrape. */
export function createMetrics(options: { readonly countSandboxes: () => Promise<number> }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: "berth_http_request_duration_seconds",
    help: "Time until the head of an answer was sent.",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const errors = new Counter({
    name: "berth_http_errors_total",
    help: "Answers with a status of 500 or above.",
    labelNames: ["route"],
    registers,
  })
  const readers = new Gauge({ name: "berth_stream_readers", help: "Open event streams.", registers })
  const sandboxes = new Gauge({
    name: "berth_sandboxes",
    help: "Sandboxes with a live runner.",
    registers,
    async collect() {
      sandboxes.set(await options.countSandboxes())
    },
  })
  return {
    observe({ method, route, status, durationMs }) {
      requests.observe({ method, route, status: String(status) }, durationMs / 1000)
      if (status >= 500) errors.inc({ route })
    },
    observeReaders: (count) => readers.set(count),
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
