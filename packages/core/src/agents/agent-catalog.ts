/** One agent that a session can name. */
export interface AgentSummary {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly isInstalled: boolean
  /** Sessions that name no agent get this one. Exactly one of the catalog is. */
  readonly isDefault: boolean
  /** How to install it, as a command line; null when there is nothing to do. */
  readonly install: string | null
}

/** Agents this server knows, installed or not; asked on each use, since agents come and go. */
export interface AgentCatalog {
  list(): Promise<readonly AgentSummary[]>
}
