import { AppError, type SpawnOptions } from "@berth/core"

/** What a shell passes on. */
const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** `bad_params` for what no process can be started with. */
export function checkSpawn(argv: readonly string[], { env = {}, cwd = "/" }: SpawnOptions): void {
  const fault = spawnFault(argv, env, cwd)
  if (fault !== null) throw new AppError("bad_params", fault)
}

function spawnFault(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): string | null {
  if (argv.length === 0 || argv[0] === "") return "A process needs a program to run."
  if (argv.some((word) => word.includes("\0"))) return "An argument must not hold a NUL."
  if (!cwd.startsWith("/") || cwd.includes("\0"))
    return "The working directory must be an absolute path inside."
  const entries = Object.entries(env)
  if (entries.some(([name, value]) => !environmentName.test(name) || value.includes("\0"))) {
    return "A variable's name has letters, digits and `_`, no digit first; its value must not hold NUL."
  }
  return null
}
