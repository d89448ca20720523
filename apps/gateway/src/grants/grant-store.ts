import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Logger } from "@berth/core"
import { z } from "zod"
import { grantRequest, type GrantKey } from "../control/grant-request.ts"

/** A grant as the next gateway needs it. No secrets. */
const storedGrant = z.object({
  logId: z.string(),
  generation: z.number().int(),
  /** Of its folder under the socket root. */
  name: z.string().regex(/^[a-z0-9]{16}$/),
  request: grantRequest,
  spent: z.object({ tokens: z.number(), usd: z.number() }),
})
export type StoredGrant = z.infer<typeof storedGrant>

/** One small file per grant. */
export interface GrantStore {
  list(): Promise<readonly StoredGrant[]>
  save(grant: StoredGrant): Promise<void>
  remove(key: GrantKey): Promise<void>
}

export async function openGrantStore(directory: string, logger: Logger): Promise<GrantStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const pathOf = ({ logId, generation }: GrantKey): string => join(directory, `${logId}.${generation}.json`)
  return {
    async list() {
      const grants: StoredGrant[] = []
      for (const name of await readdir(directory)) {
        if (!name.endsWith(".json")) continue
        try {
          grants.push(storedGrant.parse(JSON.parse(await readFile(join(directory, name), "utf8"))))
        } catch (error) {
          logger.error({ error, name }, "a grant cannot be read; the server has to put it again")
        }
      }
      return grants
    },
    async save(grant) {
      const path = pathOf(grant)
      await writeFile(`${path}.new`, JSON.stringify(grant), { mode: 0o600, flush: true })
      await rename(`${path}.new`, path)
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  }
}
