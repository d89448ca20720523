import { sessionRecord, sessionSummary } from "@berth/protocol"
import { z } from "zod"

/** What is used here of the API's answers: a server of another version may have more fields, or fewer. */
export const sessionShape = sessionRecord.pick({
  id: true,
  status: true,
  agent: true,
  head_seq: true,
  questions: true,
  turn: true,
})
export type SessionShape = z.infer<typeof sessionShape>

export const sessionRow = sessionSummary
  .pick({ id: true, status: true, agent: true, head_seq: true, created_at: true, title: true })
  .loose()

export const sessionPage = z.object({
  sessions: z.array(sessionRow),
  total: z.number(),
  next_cursor: z.string().optional(),
})
