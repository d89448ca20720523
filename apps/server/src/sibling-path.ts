import { fileURLToPath } from "node:url"

/** Our other programs stand beside this one: as bundles in dist/, as sources in apps/. */
export function siblingPath(name: "gateway" | "supervisor"): string {
  const isBundle = import.meta.url.endsWith(".js")
  return fileURLToPath(new URL(isBundle ? `./${name}.js` : `../../${name}/src/main.ts`, import.meta.url))
}
