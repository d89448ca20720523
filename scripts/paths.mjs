import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** The checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "")
/** Where the bundles go. */
export const dist = join(root, "dist")
