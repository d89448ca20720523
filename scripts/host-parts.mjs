/**
 * Programs that must be on the host, and the Debian package of each.
 * @typedef {{ commands: readonly string[], package: string, why: string }} HostPart
 */

/** @type {readonly HostPart[]} To run sessions. */
export const serverParts = [
  { commands: ["bwrap"], package: "bubblewrap", why: "isolates every session" },
  { commands: ["socat"], package: "socat", why: "the only way out of a sandbox" },
  { commands: ["setpriv"], package: "util-linux", why: "gives each session its own uid" },
]

/** @type {readonly HostPart[]} To run all tests. */
export const testParts = [
  { commands: ["chromium", "chromium-browser", "google-chrome"], package: "chromium", why: "browser tests" },
]
