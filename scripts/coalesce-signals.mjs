/**
 * One Ctrl-C arrives twice under `npm start`: the terminal signals the whole group, and npm passes it on.
 * A server for which a second one means "at once" would never end cleanly; so repeats within `windowMs`
 * of the first are dropped.
 * @param {NodeJS.Process} target
 * @param {{ windowMs: number, now?: () => number }} options
 */
export function coalesceSignals(target, { windowMs, now = () => performance.now() }) {
  const emit = target.emit.bind(target)
  /** @type {Map<string | symbol, number>} */
  const seen = new Map()
  /** @param {string | symbol} event @param {readonly unknown[]} values */
  const emitOnce = (event, ...values) => {
    if (event === "SIGINT" || event === "SIGTERM") {
      const last = seen.get(event)
      if (last !== undefined && now() - last < windowMs) return true
      seen.set(event, now())
    }
    return Boolean(Reflect.apply(emit, target, [event, ...values]))
  }
  Reflect.set(target, "emit", emitOnce)
}
