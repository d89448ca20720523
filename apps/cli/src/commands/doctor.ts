import { healthRecord } from "@berth/protocol"
import { isAppError } from "@berth/core"
import type { Style } from "../terminal/terminal.ts"
import type { CommandContext } from "./context.ts"

/** `berth doctor`: what a running server says of itself. True when all is well. */
export async function doctor({ api, terminal }: CommandContext): Promise<boolean> {
  const tell = (isGood: boolean, name: string, detail = ""): void => {
    const style: Style = isGood ? "good" : "bad"
    terminal.write(`${isGood ? "✓" : "✗"} ${name}${detail === "" ? "" : `: ${detail}`}\n`, style)
  }
  try {
    const health = await api.request(healthRecord, "GET", "/api/health")
    const { level, user, seccomp, limits } = health.isolation
    tell(health.status === "healthy", `server at ${api.url}`, `${health.status}, version ${health.version}`)
    tell(level !== "none", "isolation", `${level}, ${user}${seccomp ? ", seccomp" : ""}`)
    for (const [name, { value, mechanism }] of Object.entries(limits)) {
      tell(mechanism !== "none", `limit ${name}`, `${value} by ${mechanism}`)
    }
    tell(health.survives_restart, "sessions survive a restart of the server")
    for (const [name, { ok, detail }] of Object.entries(health.checks)) tell(ok, name, detail)
    return health.status === "healthy"
  } catch (error) {
    if (!isAppError(error, "unavailable")) throw error
    terminal.write(`- server: ${error.message}\n`)
    return true
  }
}
