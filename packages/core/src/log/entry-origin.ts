const place = '^\\{"seq":\\d+,"epoch":\\d+,"timestamp":"[^"]*","origin":'
const fromSandbox = new RegExp(`${place}"sandbox"`)
const ofTurnBorder = new RegExp(
  `${place}"[a-z]+","type":"notification","notification":\\{"jsonrpc":"2\\.0","method":"_berth/turn_(started|ended)"`,
)

/**
 * Whether a runner has to see a stored line: all that clients and our side wrote, and where turns
 * begin and end. Read off the line's beginning, which the store wrote, because a busy runner's own
 * entries all pass by here.
 */
export function concernsRunner(text: string): boolean {
  return !fromSandbox.test(text) || ofTurnBorder.test(text)
}
