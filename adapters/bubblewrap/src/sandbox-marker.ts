/** An argument of every bubblewrap of a sandbox, by which the host's process list tells whose it is. */
export function sandboxMarker(id: string): string {
  return `berth-sandbox-${id}`
}

/** In the environment of its processes where nothing isolates them. */
export function sandboxVariable(id: string): readonly [name: string, value: string] {
  return ["BERTH_SANDBOX", sandboxMarker(id)]
}
