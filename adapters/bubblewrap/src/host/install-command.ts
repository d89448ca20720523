import { findProgram } from "./find-program.ts"

const managers = [
  ["apt-get", "apt-get install -y --no-install-recommends"],
  ["dnf", "dnf install -y"],
  ["apk", "apk add"],
  ["pacman", "pacman -S --noconfirm"],
  ["zypper", "zypper install -y"],
] as const

/** The command of this host that installs a package. */
export function installCommand(packageName: string): string {
  const command = managers.find(([program]) => findProgram(program) !== null)?.[1]
  if (command === undefined) return `install ${packageName}`
  return `${process.getuid?.() === 0 ? "" : "sudo "}${command} ${packageName}`
}
