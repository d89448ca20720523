import type { SessionModeState } from "@agentclientprotocol/sdk"

export const modeIds = ["ask", "auto"] as const
export type ModeId = (typeof modeIds)[number]

export function describeModes(current: ModeId): SessionModeState {
  return {
    currentModeId: current,
    availableModes: [
      { id: "ask", name: "Ask", description: "Asks before it runs a script" },
      { id: "auto", name: "Auto", description: "Runs scripts without asking" },
    ],
  }
}
