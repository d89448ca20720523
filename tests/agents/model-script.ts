/**
 * What a stand-in model does is written in the prompt, so that it depends on content and never on the
 * number of calls: agents make calls of their own (titles, suggestions) and repeat failed ones.
 *
 *   [[say some words]]   [[think some thoughts]]   [[run command]]   [[write path]]   [[recall]]
 *   [[error 529]]        [[cut after some words]]   [[wait]]   [[stream 400]]
 */
export type Step =
  | { readonly kind: "say" | "think" | "run" | "write" | "cut"; readonly text: string }
  | { readonly kind: "error"; readonly status: number }
  /** So many numbered words, a few at a time, for as long as a model would take. */
  | { readonly kind: "stream"; readonly count: number }
  /** Streams nothing more until the test says so, or the caller leaves. */
  | { readonly kind: "wait" }
  /** Says the first words of the conversation: whoever can, remembers. */
  | { readonly kind: "recall" }

export function readSteps(prompt: string): readonly Step[] {
  return [...prompt.matchAll(/\[\[(\w+)(?: ([^\]]*))?\]\]/g)].flatMap(([, kind, text = ""]): Step[] => {
    switch (kind) {
      case "say":
      case "think":
      case "run":
      case "write":
      case "cut":
        return [{ kind, text }]
      case "error":
        return [{ kind, status: Number(text) }]
      case "stream":
        return [{ kind, count: Number(text) }]
      case "wait":
      case "recall":
        return [{ kind }]
      default:
        return []
    }
  })
}

/** Streams come in such pieces: several per step, so that tests see deltas. */
export function inPieces(text: string): readonly string[] {
  return text.match(/\S+\s*|\s+/g) ?? []
}
