import { AppError } from "@berth/core"

/** Fields of code sessions, with the value that asks for nothing. */
const codeFields: Readonly<Record<string, unknown>> = {
  setup: undefined,
  data: {},
  persistent: true,
  allowPublicAccess: true,
  default_timeout: undefined,
}

/**
 * Sessions here have an agent. What would ask for code execution is refused, since dropping it
 * without a word would look like it worked. An agent session may name a language: it says nothing new.
 */
export function refuseUnsupported(body: unknown): void {
  if (typeof body !== "object" || body === null) return
  const given = new Map(Object.entries(body))
  if (given.has("language") && !given.has("agent")) {
    throw unsupported(
      "language",
      "Sessions for plain code are not served yet. Name an agent, or leave language out.",
    )
  }
  for (const [name, neutral] of Object.entries(codeFields)) {
    if (!given.has(name) || JSON.stringify(given.get(name)) === JSON.stringify(neutral)) continue
    if (name === "default_timeout" && !(Number(given.get(name)) > 0)) {
      throw new AppError("bad_params", "invalid default_timeout", { details: { path: name } })
    }
    throw unsupported(
      name,
      `${name} belongs to sessions for plain code, which are not served yet. Leave it out.`,
    )
  }
}

function unsupported(path: string, message: string): AppError {
  return new AppError("unsupported", message, { details: { path } })
}
