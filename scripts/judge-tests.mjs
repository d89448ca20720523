/**
 * What one run of the tests came to.
 * @typedef {{ name: string, note: string | null }} SkippedTest
 * @typedef {{ passed: number, failed: number, skipped: readonly SkippedTest[], errors: readonly string[] }} TestReport
 * @typedef {{ isGood: boolean, lines: readonly string[], closing: string }} Judgement
 */

/**
 * Every skip needs a reason that holds: `missing: <capability>[, words]`, where the capability is a name of
 * `capabilities` and really missing.
 * @param {TestReport} report
 * @param {Readonly<Record<string, () => boolean>>} capabilities
 * @returns {Judgement}
 */
export function judgeTests(report, capabilities) {
  const lines = report.errors.map((error) => `error outside of a test: ${error}`)
  /** @type {Map<string, boolean>} */
  const probed = new Map()
  let wrongSkips = 0
  for (const { name, note } of report.skipped) {
    const fault = skipFault(note, (capability) => {
      const probe = capabilities[capability]
      if (probe === undefined) return null
      const known = probed.get(capability)
      if (known !== undefined) return known
      const present = probe()
      probed.set(capability, present)
      return present
    })
    if (fault !== null) wrongSkips += 1
    lines.push(`skipped: ${name}: ${fault === null ? note : `WRONGLY: ${fault}`}`)
  }
  const failed = report.failed + report.errors.length
  const ran = report.passed + failed
  if (ran === 0) lines.push("no test ran")
  return {
    isGood: failed === 0 && wrongSkips === 0 && ran > 0,
    lines,
    closing: `${report.passed} passed, ${failed} failed, ${report.skipped.length} skipped`,
  }
}

/**
 * @param {string | null} note
 * @param {(capability: string) => boolean | null} isPresent null for an unknown name
 */
function skipFault(note, isPresent) {
  const capability = /^missing: ([^,]+)/.exec(note ?? "")?.[1]?.trim()
  if (capability === undefined) return 'gives no reason of the form "missing: <capability>"'
  const present = isPresent(capability)
  if (present === null) return `"${capability}" is no name of scripts/capabilities.mjs`
  return present ? `${capability} is there: the test could have run` : null
}
