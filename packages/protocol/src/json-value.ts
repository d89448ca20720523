import { z } from "zod"

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/**
 * Any JSON. Unchecked: all that these shapes are held against was JSON text, so there is nothing else it
 * could be, and a check that walks it would only cost time and stack.
 */
export const jsonValue = z.unknown() as z.ZodType<JsonValue>
