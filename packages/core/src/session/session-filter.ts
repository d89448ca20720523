import type { SessionRecord } from "../ports/session-store.ts"

/** What a filter's `query` is looked up in: the id and the title, in lower case. */
export function searchTextOf(record: SessionRecord): string {
  return `${record.id}\n${record.spec.title ?? ""}`.toLowerCase()
}

/** Metadata as `SessionFilter.metadata` compares it: strings as they are, other values by their JSON. */
export function labelsOf(record: SessionRecord): Readonly<Record<string, string>> {
  const labels = Object.entries(record.spec.metadata).map(([key, value]): [string, string] => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ])
  return Object.fromEntries(labels)
}

/** The name that `SessionFilter.agent` compares; null without an agent or for an argv of one's own. */
export function agentNameOf(record: SessionRecord): string | null {
  return typeof record.spec.agent === "string" ? record.spec.agent : null
}
