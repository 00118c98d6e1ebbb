/** The first message is the settings. A process whose runner is gone ends at once. @returns {Promise<any>} */
export function receiveSettings() {
  process.on('disconnect', () => process.exit(1));
  return new Promise((resolve) => process.once('message', resolve));
}

/** Tells the runner. @param {object} message */
export function tell(message) {
  if (process.connected) process.send?.(message, () => undefined);
}
