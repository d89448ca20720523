const sliceMs = 4

/**
 * For long work made of short synchronous steps: `breathe()` after each step, and the event loop has its
 * turn whenever the steps since its last one took more than a few milliseconds.
 */
export function createBreather(): { breathe(): Promise<void> | null } {
  let sliceEnd = performance.now() + sliceMs
  return {
    breathe() {
      if (performance.now() < sliceEnd) return null
      return new Promise((resolve) => {
        setImmediate(() => {
          sliceEnd = performance.now() + sliceMs
          resolve()
        })
      })
    },
  }
}
