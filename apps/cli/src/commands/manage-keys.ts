import { keyRecord } from "@berth/protocol"
import { z } from "zod"
import { formatTable } from "../terminal/table.ts"
import type { CommandContext } from "./context.ts"

const keyList = z.object({ keys: z.array(keyRecord) })
const createdKey = keyRecord.extend({ key: z.string() })

/** `berth keys create`: the secret is all that goes to stdout. */
export async function createKey(
  { api, terminal }: CommandContext,
  name: string,
  options: { readonly project?: string },
): Promise<void> {
  const body = { name, ...(options.project === undefined ? {} : { project: options.project }) }
  const created = await api.request(createdKey, "POST", "/api/keys", { body })
  terminal.note(`key ${created.id} for ${created.project ?? "every project"}; it is shown only this once:\n`)
  terminal.write(`${created.key}\n`)
}

export async function listKeys({ api, terminal }: CommandContext): Promise<void> {
  const { keys } = await api.request(keyList, "GET", "/api/keys")
  const rows = keys.map(({ id, name, project, created_at }) => [id, name, project ?? "(all)", created_at])
  terminal.write(formatTable([["ID", "NAME", "PROJECT", "CREATED"], ...rows]))
}

export async function deleteKey({ api, terminal }: CommandContext, id: string): Promise<void> {
  await api.request(z.unknown(), "DELETE", `/api/keys/${encodeURIComponent(id)}`)
  terminal.note(`key ${id} is deleted\n`)
}
