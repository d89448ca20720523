import { spawnSync } from "node:child_process"
import { findCommand } from "./find-command.mjs"
import { serverParts } from "./host-parts.mjs"
import { say, stop } from "./say.mjs"

/** @typedef {import("./host-parts.mjs").HostPart} HostPart */

/**
 * Those of `parts` that are not on this host.
 * @param {readonly HostPart[]} parts
 * @param {(command: string) => string | null} [find]
 */
export function missingParts(parts, find = findCommand) {
  return parts.filter(({ commands }) => commands.every((command) => find(command) === null))
}

/**
 * The command that installs `missing`.
 * @param {readonly HostPart[]} missing
 */
export function installCommand(missing) {
  return ["apt-get", "install", "-y", "--no-install-recommends", ...missing.map((part) => part.package)]
}

/**
 * Installs what is missing when this may: as root, with apt-get, and BERTH_NO_INSTALL unset. Otherwise says
 * the command. Returns what is still missing.
 * @param {readonly HostPart[]} parts
 * @returns {readonly HostPart[]}
 */
export function ensureParts(parts) {
  const missing = missingParts(parts)
  if (missing.length === 0) return missing
  const command = installCommand(missing)
  const mayInstall =
    process.getuid?.() === 0 && findCommand("apt-get") !== null && !process.env.BERTH_NO_INSTALL
  if (mayInstall) {
    say(`installing ${missing.map((part) => part.package).join(", ")}`)
    // A fresh machine has no package lists, and old ones name packages that are gone.
    if (!runApt(command)) {
      runApt(["apt-get", "update"])
      runApt(command)
    }
  }
  const left = missingParts(missing)
  for (const part of left) say(`missing: ${part.commands.join(" or ")} (${part.why})`)
  if (left.length > 0)
    say(`install with: ${process.getuid?.() === 0 ? "" : "sudo "}${installCommand(left).join(" ")}`)
  return left
}

/** @param {readonly string[]} command */
function runApt([program = "apt-get", ...words]) {
  const { status } = spawnSync(program, ["-q", "-o", "DPkg::Lock::Timeout=120", ...words], {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  })
  return status === 0
}

/**
 * Ends the process when sessions could not be isolated here.
 * @param {readonly string[]} words of the command line
 */
export function ensureHost(words) {
  if (words.includes("--unsafe-no-sandbox")) return
  if (ensureParts(serverParts).length > 0) {
    stop("cannot isolate sessions on this host (--unsafe-no-sandbox runs without, at your own risk)")
  }
}
