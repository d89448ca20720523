export { blobStoreSuite, type BlobFixture } from "./blob-store-suite.ts"
export type { Fixture, Skip, SuiteOptions } from "./define-suite.ts"
export { keyStoreSuite, type KeyFixture } from "./key-store-suite.ts"
export { readAll, type LogFixture } from "./log-fixture.ts"
export { eventLogSuite, leaseStoreSuite } from "./log-suites.ts"
export { emptyHead, newLogId, prompted, said, saidText } from "./sample-entries.ts"
export { sampleSession } from "./sample-sessions.ts"
export { sandboxProviderSuite } from "./sandbox-provider-suite.ts"
export {
  bytesOf,
  firstLine,
  readText,
  run,
  runScript,
  specOf,
  streamOf,
  textOf,
  walkAll,
  type RunResult,
  type SandboxFixture,
} from "./sandbox-fixture.ts"
export { sessionStoreSuite, type SessionFixture } from "./session-store-suite.ts"
export {
  createSession,
  expectError,
  follow,
  jsonBody,
  prompt,
  submit,
  type HttpFixture,
  type RunnerFixture,
  type TestRunner,
} from "./http-fixture.ts"
export { openEventStream, type EventStream, type StreamFrame } from "./http-event-stream.ts"
export { createHttpPorts, type HttpPorts } from "./http-ports.ts"
export { httpRunnerSuite, httpSuite, remoteServer } from "./http-suite.ts"
