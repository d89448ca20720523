import { AppError } from "@berth/core"
import { errorCodes, type ErrorCode } from "@berth/protocol"
import { Pool } from "undici"
import { z } from "zod"
import type { ChangeableConfig } from "../config.ts"
import {
  grantAnswer,
  healthAnswer,
  type GatewayHealth,
  type GrantKey,
  type GrantRequest,
} from "./grant-request.ts"

/** The control API from the server's side. Errors: those of the gateway, `unavailable` when none answers. */
export interface GatewayClient {
  health(): Promise<GatewayHealth>
  configure(config: ChangeableConfig): Promise<void>
  /** Idempotent; updates the policy of a live grant. `directory` is to be mounted at `/run/berth`. */
  putGrant(key: GrantKey, request: GrantRequest): Promise<{ readonly directory: string }>
  /** Idempotent. */
  deleteGrant(key: GrantKey): Promise<void>
  close(): Promise<void>
}

const errorBody = z.object({ code: z.string(), message: z.string() })
const timeoutMs = 15_000

export function createGatewayClient(options: { readonly controlSocket: string }): GatewayClient {
  const pool = new Pool("http://gateway", {
    socketPath: options.controlSocket,
    connections: 4,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })

  async function call(method: "GET" | "PUT" | "DELETE", path: string, body: unknown): Promise<unknown> {
    const text = body === undefined ? null : JSON.stringify(body)
    const headers = text === null ? {} : { "content-type": "application/json" }
    try {
      const response = await pool.request({ method, path, headers, body: text })
      const value: unknown = await response.body.json()
      if (response.statusCode === 200) return value
      throw readError(value, response.statusCode)
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      throw new AppError("unavailable", `No gateway answers at ${options.controlSocket}.`, { cause })
    }
  }

  const grantPath = ({ logId, generation }: GrantKey): string => `/grants/${logId}/${generation}`
  return {
    health: async () => healthAnswer.parse(await call("GET", "/health", undefined)),
    configure: async ({ upstreams, prices }) => {
      await call("PUT", "/config", { upstreams, prices })
    },
    putGrant: async (key, request) => grantAnswer.parse(await call("PUT", grantPath(key), request)),
    deleteGrant: async (key) => {
      await call("DELETE", grantPath(key), undefined)
    },
    close: () => pool.close(),
  }
}

function readError(value: unknown, status: number): AppError {
  const parsed = errorBody.safeParse(value)
  if (!parsed.success) return new AppError("internal", `The gateway answered ${status}.`)
  const isKnown = (code: string): code is ErrorCode => code in errorCodes
  return new AppError(isKnown(parsed.data.code) ? parsed.data.code : "internal", parsed.data.message)
}
