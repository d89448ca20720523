import { AppError } from "@berth/core"
import type { z } from "zod"

/** The value in its shape, or `bad_params` with the path of the first fault and all faults in `issues`. */
export function checkShape<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const issues = checked.error.issues.slice(0, 20).map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }))
  const [first] = issues
  const path = first?.path ?? ""
  const message = `${path === "" ? "The request" : path}: ${first?.message ?? "is not valid"}.`
  throw new AppError("bad_params", message, { details: { path, issues } })
}
