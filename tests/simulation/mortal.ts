import type { Clock } from "@berth/core"

const never = new Promise<never>(() => {})

/**
 * A port as a process has it that may die at any moment: once `isAlive` says no, calls neither happen
 * nor return, as after SIGKILL. What was called before and answers later is never heard of.
 */
export function mortal<Port extends object>(port: Port, isAlive: () => boolean): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member === "object" && member !== null) return mortal(member, isAlive)
      if (typeof member !== "function") return member
      return (...args: unknown[]): unknown => {
        if (!isAlive()) return never
        const result: unknown = Reflect.apply(member, target, args)
        if (isAsyncIterable(result)) return mortalIterable(result, isAlive)
        return result instanceof Promise ? outlive(result, isAlive) : result
      }
    },
  })
}

export function mortalClock(clock: Clock, isAlive: () => boolean): Clock {
  return { now: clock.now, sleep: (ms, options) => outlive(clock.sleep(ms, options), isAlive) }
}

function outlive<Value>(promise: Promise<Value>, isAlive: () => boolean): Promise<Value> {
  return promise.then(
    (value) => (isAlive() ? value : never),
    (error: unknown) => {
      if (isAlive()) throw error
      return never
    },
  )
}

async function* mortalIterable(
  source: AsyncIterable<unknown>,
  isAlive: () => boolean,
): AsyncGenerator<unknown> {
  for await (const value of source) {
    if (!isAlive()) await never
    yield value
  }
  if (!isAlive()) await never
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value
}
