export { AppError, isAppError, type AppErrorOptions } from "./errors/app-error.ts"
export { assertNever } from "./errors/assert-never.ts"
