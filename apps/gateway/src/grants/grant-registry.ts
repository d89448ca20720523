import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { createLedger, type BudgetLimit } from "../budget/ledger.ts"
import type { GrantKey, GrantRequest } from "../control/grant-request.ts"
import { refusedByPolicy } from "../egress/egress-target.ts"
import { gatewayLimits } from "../gateway-limits.ts"
import { listenUnix } from "../process/listen-unix.ts"
import type { GatewayContext } from "./gateway-context.ts"
import { createGrantServer, type GrantServer } from "./grant-server.ts"
import type { GrantStore, StoredGrant } from "./grant-store.ts"
import { createLiveGrant, tellRaisedBudget, type LiveGrant, type LogAccount } from "./live-grant.ts"
import { makeSocketDirectory, removeSocketDirectory } from "./socket-directory.ts"

/** All grants of this gateway: in memory, on disk and as listening sockets. */
export interface GrantRegistry {
  readonly size: number
  connectionCount(): number
  /** Opens the grant or replaces its policy. Gives the folder to mount. */
  put(key: GrantKey, request: GrantRequest): Promise<string>
  /** Cuts its connections and removes its folder. Idempotent. */
  remove(key: GrantKey): Promise<void>
  /** Opens what an earlier gateway left. */
  reopen(): Promise<void>
  /** The account of a log that has a grant, or null. */
  account(logId: string): LogAccount | null
  /** Writes down what the log has spent. */
  keepSpent(grant: LiveGrant): void
  /** Cuts all connections; grants stay on disk. */
  close(): Promise<void>
}

interface OpenGrant {
  readonly grant: LiveGrant
  readonly name: string
  readonly grantServer: GrantServer
}

export interface GrantRegistryOptions {
  /** Completed with `keepSpent` by the caller; used only once grants are open. */
  readonly context: () => GatewayContext
  readonly store: GrantStore
  readonly socketRoot: string
}

export function createGrantRegistry({ context, store, socketRoot }: GrantRegistryOptions): GrantRegistry {
  const open = new Map<string, OpenGrant>()
  const accounts = new Map<string, LogAccount>()
  /** Grants whose spending has yet to be written. */
  const unkept = new Set<string>()
  /** Changes happen one after the other; each is short. */
  let tail: Promise<unknown> = Promise.resolve()

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = tail.then(work)
    tail = result.catch(() => undefined)
    return result
  }

  function accountOf(logId: string, told: StoredGrant["spent"]): LogAccount {
    const account = accounts.get(logId) ?? createAccount()
    accounts.set(logId, account)
    account.ledger.raiseSpent(told)
    // What an earlier gateway, or an earlier grant of this log, has told but not yet handed over.
    account.ledger.raiseSpent(context().spool.pendingSpent(logId))
    return account
  }

  async function openGrant(stored: StoredGrant): Promise<OpenGrant> {
    const { logId, generation, request, name } = stored
    const { reporter, clock } = context()
    const account = accountOf(logId, stored.spent)
    account.ledger.raiseSpent(request.spent)
    account.ledger.setLimit(readLimit(request))
    const grant = createLiveGrant({ key: { logId, generation }, request, account, reporter, clock })
    const grantServer = createGrantServer(context(), grant)
    const entry = { grant, name, grantServer }
    await listenUnix(grantServer.server, await makeSocketDirectory(join(socketRoot, name)), 0o666)
    open.set(keyText(stored), entry)
    return entry
  }

  function storedOf({ grant, name }: OpenGrant): StoredGrant {
    return { ...grant.key, name, request: grant.request, spent: { ...grant.account.ledger.spent } }
  }

  async function put(key: GrantKey, request: GrantRequest): Promise<string> {
    const known = open.get(keyText(key))
    if (known === undefined) {
      const name = randomBytes(10).toString("hex").slice(0, 16)
      const stored = { ...key, name, request, spent: request.spent }
      await store.save(stored)
      await openGrant(stored)
      return join(socketRoot, name)
    }
    const { grant } = known
    grant.request = request
    for (const tunnel of grant.tunnels) {
      if (refusedByPolicy(request.network, tunnel.target) !== null) tunnel.cut()
    }
    grant.account.ledger.raiseSpent(request.spent)
    grant.account.ledger.setLimit(readLimit(request))
    tellRaisedBudget(grant, context().reporter)
    await store.save(storedOf(known))
    return join(socketRoot, known.name)
  }

  async function remove(key: GrantKey): Promise<void> {
    const known = open.get(keyText(key))
    if (known !== undefined) {
      open.delete(keyText(key))
      await known.grantServer.close()
      await removeSocketDirectory(join(socketRoot, known.name))
      const isLast = ![...open.values()].some(({ grant }) => grant.key.logId === key.logId)
      if (isLast) accounts.delete(key.logId)
    }
    await store.remove(key)
  }

  async function reopen(): Promise<void> {
    for (const stored of await store.list()) {
      try {
        await openGrant(stored)
      } catch (error) {
        context().onFault(error)
      }
    }
  }

  return {
    get size() {
      return open.size
    },
    connectionCount: () =>
      [...open.values()].reduce((sum, { grantServer }) => sum + grantServer.connectionCount(), 0),
    put: (key, request) => inTurn(() => put(key, request)),
    remove: (key) => inTurn(() => remove(key)),
    reopen: () => inTurn(reopen),
    account: (logId) => accounts.get(logId) ?? null,
    keepSpent({ key }) {
      const name = keyText(key)
      if (unkept.has(name)) return
      unkept.add(name)
      const save = async (): Promise<void> => {
        unkept.delete(name)
        const known = open.get(name)
        if (known !== undefined) await store.save(storedOf(known))
      }
      inTurn(save).catch(context().onFault)
    },
    close: () =>
      inTurn(async () => {
        await Promise.all([...open.values()].map(({ grantServer }) => grantServer.close()))
        for (const entry of open.values()) await store.save(storedOf(entry))
        open.clear()
      }),
  }
}

function createAccount(): LogAccount {
  const memory = { heldBytes: 0, limitBytes: gatewayLimits.heldBytesPerLog }
  return { ledger: createLedger(), isExhaustionTold: false, memory }
}

function readLimit({ budget }: GrantRequest): BudgetLimit | null {
  if (budget === null || (budget.tokens === undefined && budget.usd === undefined)) return null
  return { tokens: budget.tokens ?? null, usd: budget.usd ?? null }
}

function keyText({ logId, generation }: GrantKey): string {
  return `${logId}/${generation}`
}
