/** Words for whoever runs a script: on stderr, so that what a program prints stays clean. */
export function say(/** @type {string} */ text) {
  process.stderr.write(`berth: ${text}\n`)
}

/** Says why it cannot go on, and ends. @returns {never} */
export function stop(/** @type {string} */ text) {
  say(text)
  process.exit(1)
}
