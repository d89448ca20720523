import { checkHost } from "@berth/bubblewrap"
import { isAppError } from "@berth/core"
import { healthRecord } from "@berth/protocol"
import type { Style } from "../terminal/terminal.ts"
import type { CommandContext } from "./context.ts"

type Tell = (isGood: boolean, name: string, detail?: string) => void

/** `berth doctor`: what this host offers, and what a running server says of itself. True when all is well. */
export async function doctor({ api, terminal }: CommandContext): Promise<boolean> {
  const tell: Tell = (isGood, name, detail = "") => {
    const style: Style = isGood ? "good" : "bad"
    terminal.write(`${isGood ? "✓" : "✗"} ${name}${detail === "" ? "" : `: ${detail}`}\n`, style)
  }
  terminal.write("This host\n", "bold")
  const checks = await checkHost()
  for (const { name, isOk, isNeeded, detail, fix } of checks) {
    tell(isOk, isNeeded ? name : `${name} (optional)`, fix === undefined ? detail : `${detail}; ${fix}`)
  }
  terminal.write(`\nThe server at ${api.url}\n`, "bold")
  const isServerGood = await checkServer({ api, terminal }, tell)
  return isServerGood && checks.every(({ isOk, isNeeded }) => isOk || !isNeeded)
}

async function checkServer(
  { api, terminal }: Pick<CommandContext, "api" | "terminal">,
  tell: Tell,
): Promise<boolean> {
  try {
    const health = await api.request(healthRecord, "GET", "/api/health")
    const { level, user, seccomp, limits } = health.isolation
    tell(health.status === "healthy", health.status, `version ${health.version}`)
    tell(level !== "none", "isolation", `${level}, ${user}${seccomp ? ", seccomp" : ""}`)
    for (const [name, { value, mechanism }] of Object.entries(limits)) {
      tell(mechanism !== "none", `limit ${name}`, `${value} by ${mechanism}`)
    }
    tell(health.survives_restart, "sessions survive a restart of the server")
    for (const [name, { ok, detail }] of Object.entries(health.checks)) tell(ok, name, detail)
    return health.status === "healthy"
  } catch (error) {
    if (!isAppError(error, "unavailable")) throw error
    terminal.write("- not running\n")
    return true
  }
}
