import { defineSuite, type SuiteOptions } from "./define-suite.ts"
import { eventLogReadTests } from "./event-log-read-tests.ts"
import { eventLogSubmitTests } from "./event-log-submit-tests.ts"
import { eventLogWriteTests } from "./event-log-write-tests.ts"
import { leaseStoreTests } from "./lease-store-tests.ts"
import type { LogFixture } from "./log-fixture.ts"
import { logPropertyTests } from "./log-property-tests.ts"

const eventLogTests = {
  ...eventLogWriteTests,
  ...eventLogSubmitTests,
  ...eventLogReadTests,
  ...logPropertyTests,
}

/** EventLog and LogArchive, with the leases that its writers need. */
export function eventLogSuite(
  name: string,
  open: () => Promise<LogFixture>,
  options: SuiteOptions = {},
): void {
  defineSuite(`EventLog: ${name}`, eventLogTests, open, options)
}

/** LeaseStore, with the log that it guards. */
export function leaseStoreSuite(
  name: string,
  open: () => Promise<LogFixture>,
  options: SuiteOptions = {},
): void {
  defineSuite(`LeaseStore: ${name}`, leaseStoreTests, open, options)
}
