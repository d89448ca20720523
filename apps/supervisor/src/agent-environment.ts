import { gatewayPort, type AgentProgram, type RunnerSession } from "@berth/core"

const searchPath = "/opt/berth/node/bin:/usr/local/bin:/usr/bin:/bin"

/**
 * The whole environment of an agent. No secret of ours is ever in it: keys are added by the gateway,
 * outside. The session's variables reach every process inside; the agent's own settings, which lead it to
 * the gateway, beat them; what we state about the session beats both.
 */
export function agentEnvironment(session: RunnerSession, program: AgentProgram): Record<string, string> {
  const proxy = `http://127.0.0.1:${gatewayPort}`
  const direct = "127.0.0.1,localhost"
  return {
    HOME: "/home/agent",
    PATH: searchPath,
    LANG: "C.UTF-8",
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    // Node's own fetch goes by the variables above only when it is told to.
    NODE_USE_ENV_PROXY: "1",
    ...session.env,
    ...program.env,
    CI: "true",
    TERM: "dumb",
    NO_COLOR: "1",
    BERTH_SESSION: session.sessionId,
    BERTH_SESSION_ID: session.sessionId,
    ERA_SESSION: session.sessionId,
    ERA_SESSION_ID: session.sessionId,
  }
}
