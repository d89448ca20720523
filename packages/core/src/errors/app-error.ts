import { errorCodes, type ErrorBody, type ErrorCode } from "@berth/protocol"

export interface AppErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The one error of this project. `message` tells the caller what to do next; never holds a secret. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "AppError"
    this.code = code
    this.details = options.details
  }

  get status(): number {
    return errorCodes[this.code][0]
  }

  toBody(): ErrorBody {
    const body = { error: errorCodes[this.code][1], code: this.code, message: this.message }
    return this.details === undefined ? body : { ...body, details: this.details }
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}
