export { createMemoryEventLog } from "./event-log.ts"
export { createMemoryLeaseStore } from "./lease-store.ts"
export type { LogTable } from "./log-table.ts"
