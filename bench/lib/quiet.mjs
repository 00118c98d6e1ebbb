const nothing = () => undefined;

/** A logger for Signalbox that says nothing. */
export const quiet = Object.freeze({
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => quiet,
});
