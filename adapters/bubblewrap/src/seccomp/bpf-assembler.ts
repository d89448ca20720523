/**
 * Classic BPF as seccomp(2) takes it: 8 bytes per instruction, jumps forward only and at most 255 far.
 * Words of `struct seccomp_data`: the syscall number, the architecture, the low halves of the arguments.
 */
export type Statement =
  | { readonly label: string }
  /** Loads a 32-bit word of the data, by its offset in bytes. */
  | { readonly load: number }
  /** Keeps the bits of `mask` of what was loaded. */
  | { readonly mask: number }
  | {
      readonly jump: keyof typeof jumpCodes
      readonly value: number
      /** Labels; absent goes on with the next statement. */
      readonly goto?: string
      readonly otherwise?: string
    }
  /** Ends with a verdict. */
  | { readonly verdict: number }

export const wordOffsets = { number: 0, architecture: 4 } as const

/**
 * Offset of the low 32 bits of argument `index` on a little-endian machine. Flags, commands, families are
 * ints: the kernel ignores the high half, so a filter that compared it could be deceived.
 */
export function argumentOffset(index: number): number {
  return 16 + 8 * index
}

export const verdicts = {
  allow: 0x7fff0000,
  killProcess: 0x80000000,
  /** The call returns −errno and does nothing. */
  refuse: (errno: number): number => 0x00050000 | errno,
} as const

const jumpCodes = { equal: 0x15, greater: 0x25, atLeast: 0x35, anyBit: 0x45 } as const
const loadCode = 0x20
const maskCode = 0x54
const verdictCode = 0x06
const farthestJump = 255

/** Throws RangeError for a label that is missing, behind, or too far. */
export function assemble(statements: readonly Statement[]): Uint8Array {
  const places = new Map<string, number>()
  let count = 0
  for (const statement of statements) {
    if ("label" in statement) places.set(statement.label, count)
    else count += 1
  }
  const bytes = new Uint8Array(8 * count)
  const view = new DataView(bytes.buffer)
  let index = 0
  for (const statement of statements) {
    if ("label" in statement) continue
    const [code, gotoBy, otherwiseBy, value] = encode(statement, (label) => distance(places, label, index))
    view.setUint16(8 * index, code, true)
    view.setUint8(8 * index + 2, gotoBy)
    view.setUint8(8 * index + 3, otherwiseBy)
    view.setUint32(8 * index + 4, value, true)
    index += 1
  }
  return bytes
}

function encode(
  statement: Exclude<Statement, { readonly label: string }>,
  distanceTo: (label: string | undefined) => number,
): readonly [code: number, gotoBy: number, otherwiseBy: number, value: number] {
  if ("load" in statement) return [loadCode, 0, 0, statement.load]
  if ("mask" in statement) return [maskCode, 0, 0, statement.mask]
  if ("verdict" in statement) return [verdictCode, 0, 0, statement.verdict]
  return [
    jumpCodes[statement.jump],
    distanceTo(statement.goto),
    distanceTo(statement.otherwise),
    statement.value,
  ]
}

function distance(places: ReadonlyMap<string, number>, label: string | undefined, from: number): number {
  if (label === undefined) return 0
  const place = places.get(label)
  if (place === undefined) throw new RangeError(`no label ${label}`)
  const by = place - from - 1
  if (by < 0 || by > farthestJump) throw new RangeError(`label ${label} is ${by} statements away`)
  return by
}
