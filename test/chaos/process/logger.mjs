/** One JSON object a line to standard output, which is the process's log file. @returns {import('signalbox').Logger} */
export function lineLogger(fields = {}) {
  const write = (level) => (more, msg) => {
    const time = new Date().toISOString();
    process.stdout.write(`${JSON.stringify({ time, level, msg, ...fields, ...more })}\n`);
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => lineLogger({ ...fields, ...more }),
  };
}
