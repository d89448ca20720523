/** The promise's value, or a rejection with the signal's reason as soon as it aborts. */
export function abortable<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(toError(signal.reason))
    if (signal.aborted) {
      promise.catch(() => undefined)
      return abort()
    }
    signal.addEventListener("abort", abort, { once: true })
    const done = (): void => signal.removeEventListener("abort", abort)
    promise.then(
      (value) => {
        done()
        resolve(value)
      },
      (error: unknown) => {
        done()
        reject(toError(error))
      },
    )
  })
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
