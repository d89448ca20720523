/** Lets loops wait until something changed, without a queue: every waiter looks again for itself. */
export interface Wake {
  notify(): void
  /** Resolves at the next `notify`, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>
}

export function createWake(): Wake {
  let waiters: (() => void)[] = []
  const notify = (): void => {
    const woken = waiters
    waiters = []
    for (const resolve of woken) resolve()
  }
  return {
    notify,
    wait: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const done = (): void => {
          signal.removeEventListener("abort", done)
          resolve()
        }
        signal.addEventListener("abort", done, { once: true })
        waiters.push(done)
      }),
  }
}
