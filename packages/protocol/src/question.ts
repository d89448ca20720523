import { z } from "zod"
import { jsonValue } from "./json-value.ts"

export const questionKinds = ["permission", "checkpoint", "input"] as const
export type QuestionKind = (typeof questionKinds)[number]

export const questionOption = z.object({
  optionId: z.string().min(1).max(256),
  name: z.string().max(1024),
  /** ACP's permission option kinds; absent for checkpoint and input. */
  kind: z.enum(["allow_once", "allow_always", "reject_once", "reject_always"]).optional(),
})
export type QuestionOption = z.infer<typeof questionOption>

export const answerActions = ["approve", "reject", "modify"] as const

/** What was answered: an option of the question, or an action, with words or changed options. */
export const answer = z.object({
  optionId: z.string().max(256).optional(),
  action: z.enum(answerActions).optional(),
  feedback: z.string().max(100_000).optional(),
  options: z.record(z.string().max(256), jsonValue).optional(),
})
export type Answer = z.infer<typeof answer>
