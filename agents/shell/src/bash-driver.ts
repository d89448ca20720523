/**
 * Each prompt runs in a bash of its own, which starts where the last one stopped. Compared with one
 * bash that lives on: `exit`, `exec`, `set -e` and syntax errors end a prompt and not the agent, the
 * exit code is the process's own, a cancel ends one process group, and what has to be kept for a
 * replaced sandbox is on disk anyway.
 */

/** What one bash leaves to the next. */
export interface ShellState {
  readonly cwd: string
  /** Exported variables that differ from the agent's own environment. */
  readonly env: Readonly<Record<string, string>>
  /** Variables of the agent's environment that were unset. */
  readonly unset: readonly string[]
  /** `declare` lines of other variables, and definitions of functions. */
  readonly definitions: readonly string[]
}

export interface DriverPaths {
  /** Bash text evaluated first: the definitions of earlier prompts. */
  readonly definitions: string
  readonly script: string
  /** Written by bash as it ends. */
  readonly state: string
}

/** Bash's own variables, made anew in every shell. */
const own =
  "__berth*|BASH*|COMP_*|DIRSTACK|EPOCH*|EUID|FUNCNAME|GROUPS|HIST*|HOSTNAME|HOSTTYPE|IFS|LINENO|MACHTYPE|" +
  "OLDPWD|OPTARG|OPTERR|OPTIND|OSTYPE|PIPESTATUS|POSIXLY_CORRECT|PPID|PS4|PWD|RANDOM|REPLY|SECONDS|SHELLOPTS|SHLVL|SRANDOM|UID|_"

/**
 * The argument of `bash -c`. One line, so that bash counts the lines of errors from the script's
 * first. The script cannot see our descriptors or our files' names, and its own EXIT trap may replace ours:
 * the state is then saved when the script ends by itself.
 */
export function bashDriver(paths: DriverPaths): string {
  const save = [
    "set +eux",
    `local IFS=$'\\n' __berth_v`,
    "[[ -n ${__berth_saved-} ]] && return",
    "__berth_saved=1",
    `{ printf 'C%s\\0' "$PWD"`,
    `for __berth_v in $(compgen -e); do case $__berth_v in ${own}) ;; *) printf 'E%s=%s\\0' "$__berth_v" "\${!__berth_v-}" ;; esac; done`,
    `for __berth_v in $(compgen -v); do case $__berth_v in ${own}) ;; *) printf 'V'; declare -p "$__berth_v"; printf '\\0' ;; esac; done`,
    `for __berth_v in $(compgen -A function); do case $__berth_v in __berth*) ;; *) printf 'F'; declare -f "$__berth_v"; printf '\\0' ;; esac; done`,
    `} >| ${quote(paths.state)}`,
  ].join("; ")
  return [
    `__berth_save() { ${save}; }`,
    `trap '{ __berth_save; } 2>/dev/null' EXIT`,
    `eval "$(<${quote(paths.definitions)})"`,
    `eval "$(<${quote(paths.script)})"`,
    "__berth_code=$?",
    "{ __berth_save; } 2>/dev/null",
    "exit $__berth_code",
  ].join("; ")
}

function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`
}

/** What bash wrote, or null when it wrote nothing whole: it was killed, or replaced by `exec`. */
export function parseShellState(text: string, base: Readonly<Record<string, string>>): ShellState | null {
  const records = text.split("\0")
  if (records.pop() !== "" || records[0]?.startsWith("C/") !== true) return null
  const env: Record<string, string> = {}
  const exported = new Set<string>()
  const definitions: string[] = []
  for (const record of records) {
    const value = record.slice(1)
    if (record.startsWith("E")) {
      const split = value.indexOf("=")
      const name = value.slice(0, split)
      exported.add(name)
      if (base[name] !== value.slice(split + 1)) env[name] = value.slice(split + 1)
    } else if (record.startsWith("V")) {
      if (!isExportedOrReadonly(value)) definitions.push(value)
    } else if (record.startsWith("F")) {
      definitions.push(value)
    }
  }
  const unset = Object.keys(base).filter((name) => isShellName(name) && !exported.has(name))
  return { cwd: records[0].slice(1), env, unset, definitions }
}

/** `declare -<flags> name=value`. */
function isExportedOrReadonly(declaration: string): boolean {
  const flags = /^declare -([A-Za-z-]+) /.exec(declaration)?.[1] ?? "x"
  return /[xr]/.test(flags)
}

/** Bash passes other names on to its children, but does not list them. */
function isShellName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !bashKeeps.has(name)
}

const bashKeeps = new Set(["_", "PWD", "OLDPWD", "SHLVL", "HOSTNAME", "POSIXLY_CORRECT"])
