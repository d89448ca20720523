import type { Answer } from "@berth/protocol"

/** A question as it was put, for one who has to be told what was answered. */
export interface AskedQuestion {
  readonly message: string
  readonly kind: "permission" | "checkpoint" | "input" | null
}

/**
 * The prompt that brings an answer to an agent that no longer waits for it: a checkpoint, or a question
 * that had expired. It says what was asked, because the agent may have been replaced since.
 */
export function answerPrompt(question: AskedQuestion, answer: Answer, choice: string | null): string {
  const lines = [`${openings[question.kind ?? "input"]}:`, "", quote(question.message), ""]
  lines.push(`The answer: ${decision(answer, choice)}.`)
  if (answer.feedback !== undefined && answer.feedback !== "") {
    lines.push("", "With these words:", "", quote(answer.feedback))
  }
  if (answer.options !== undefined && Object.keys(answer.options).length > 0) {
    lines.push("", "With these options:", "", JSON.stringify(answer.options, null, 2))
  }
  lines.push("", closings[question.kind ?? "input"])
  return lines.join("\n")
}

const openings = {
  permission: "Earlier you asked for permission, and the answer came only after the request had expired",
  checkpoint: "You recorded a checkpoint and waited for a decision",
  input: "Earlier you asked a question, and ended your turn without an answer",
} as const

const closings = {
  permission: "If it was allowed, you may try the step again. Continue from there.",
  checkpoint: "Continue from this checkpoint.",
  input: "Continue with this answer.",
} as const

function decision(answer: Answer, choice: string | null): string {
  if (choice !== null) return choice
  if (answer.action === "approve") return "approved"
  if (answer.action === "reject") return "rejected"
  if (answer.action === "modify") return "changes are wanted"
  if (answer.optionId !== undefined) return answer.optionId
  return "see below"
}

function quote(text: string): string {
  return text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n")
}
