import Table from 'cli-table3';
import colors from 'picocolors';
import { isSignalboxError, messageOf } from '../foundation/errors.js';

export interface OutputOptions {
  /** One JSON document on standard output instead of text. */
  readonly json?: boolean | undefined;
}

const onTerminal = process.stdout.isTTY === true;

/** Colours only on a terminal; NO_COLOR and FORCE_COLOR are honoured. */
export const paint = colors.createColors(
  process.env.NO_COLOR === undefined && (onTerminal || process.env.FORCE_COLOR !== undefined),
);

/** `value` as JSON when asked for, otherwise the text for people. */
export function print(options: OutputOptions, value: unknown, text: () => string): void {
  process.stdout.write(`${options.json ? JSON.stringify(value, undefined, onTerminal ? 2 : 0) : text()}\n`);
}

/** Ruled on a terminal, tab-separated lines in a pipe. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (!onTerminal) return [head, ...rows].map((row) => row.map(oneLine).join('\t')).join('\n');
  const ruled = new Table({ head: [...head], style: { head: ['cyan'], border: ['gray'] } });
  ruled.push(...rows.map((row) => [...row]));
  return ruled.toString();
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

const statusColours: Readonly<Record<string, (text: string) => string>> = {
  succeeded: paint.green,
  failed: paint.red,
  cancelled: paint.gray,
  processing: paint.cyan,
  retrying: paint.yellow,
  queued: paint.blue,
};

export function paintStatus(status: string): string {
  return (statusColours[status] ?? paint.reset)(status);
}

/** Text from a job is somebody else's: control characters in it must not reach the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD');
}

/** Tells what went wrong on standard error. @returns the exit code: 2 for what the caller must correct, else 1 */
export function report(error: unknown, options: OutputOptions): number {
  const typed = isSignalboxError(error) ? error : undefined;
  const code = typed?.code ?? 'internal_error';
  const fields = typed?.fields ?? [];
  if (options.json) {
    process.stderr.write(`${JSON.stringify({ error: { code, message: messageOf(error), fields } })}\n`);
  } else {
    const lines =
      code === 'config_invalid'
        ? [typed?.title ?? '', ...fields.map(({ field, message }) => `  ${paint.bold(field)} ${message}`)]
        : [printable(messageOf(error))];
    process.stderr.write(`${paint.red('error')} ${lines.join('\n')}\n`);
    if (!typed && error instanceof Error && process.env.LOG_LEVEL?.toLowerCase() === 'debug') {
      process.stderr.write(`${error.stack}\n`);
    }
  }
  return typed && typed.status < 500 ? 2 : code === 'config_invalid' ? 2 : 1;
}
