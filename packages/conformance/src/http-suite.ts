import { defineSuite, type SuiteOptions } from "./define-suite.ts"
import { httpBadInputTests } from "./http-bad-input-tests.ts"
import type { HttpFixture, RunnerFixture } from "./http-fixture.ts"
import { httpReportTests } from "./http-report-tests.ts"
import { httpRunnerTests } from "./http-runner-tests.ts"
import { httpSessionTests } from "./http-session-tests.ts"
import { httpStreamTests } from "./http-stream-tests.ts"
import { httpTurnTests } from "./http-turn-tests.ts"

/** The public API of any server that lets a local caller in without a key. */
export function httpSuite(name: string, open: () => Promise<HttpFixture>, options: SuiteOptions = {}): void {
  defineSuite(
    `HTTP: ${name}`,
    { ...httpSessionTests, ...httpBadInputTests, ...httpStreamTests },
    open,
    options,
  )
}

/** With the internal routes, on a server where nothing else runs sessions. */
export function httpRunnerSuite(
  name: string,
  open: () => Promise<RunnerFixture>,
  options: SuiteOptions = {},
): void {
  defineSuite(
    `HTTP with runners: ${name}`,
    { ...httpRunnerTests, ...httpTurnTests, ...httpReportTests },
    open,
    options,
  )
}

/** A server by its address. */
export function remoteServer(
  baseUrl: string,
  send: (input: string, init?: RequestInit) => Promise<Response> = fetch,
): HttpFixture {
  return {
    fetch: (path, init) => send(`${baseUrl.replace(/\/$/, "")}${path}`, init),
    close: async () => {},
  }
}
