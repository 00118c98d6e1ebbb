import { prometheusRuleFile } from '../alerts/prometheus.js';
import { recognisedWithoutUse } from '../config/recognised.js';
import type { ErrorSpec } from '../foundation/errors.js';
import { alertRules, errorSpecs, sections } from './modules.js';

/** The page of every setting, made from the sections that read them. */
export function configurationPage(): string {
  const tables = sections.map((section) => {
    const rows = Object.values(section.settings).map((setting) => {
      const fallback =
        setting.fallback === undefined || String(setting.fallback) === '' ? '' : `\`${setting.fallback}\``;
      const names = setting.env.map((name) => `\`${name}\``).join(', ');
      return `| ${names} | ${fallback} | ${cell(setting.help)}${setting.secret ? ' Secret.' : ''} |`;
    });
    return `## ${section.name}\n\n| variable | default | what it is |\n| --- | --- | --- |\n${rows.join('\n')}`;
  });
  return `${page(
    'Configuration',
    'npm run docs',
    'Settings are environment variables; `signalbox start` takes some as flags too. All errors are reported at once, before anything starts. `signalbox config` shows every value that took effect and where it came from. Durations are numbers with `ms`, `s`, `m`, `h` or `d` (a bare number is seconds; defaults are shown in milliseconds), sizes with `kb`, `mb` or `gb` (a bare number is bytes).',
  )}\n\n${tables.join('\n\n')}\n\n## Known, without use yet\n\nSettings of the systems that Signalbox replaces. Nothing reads them in this version; setting one gives a warning at start.\n\n${recognisedWithoutUse.map((name) => `\`${name}\``).join(', ')}\n`;
}

/** The page of every error code, made from the catalogues. */
export function errorsPage(): string {
  const rows = Object.entries(errorSpecs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, spec]) =>
        `| <a id="${code}"></a>\`${code}\` | ${spec.status} | ${again(spec)} | ${cell(spec.title)} |`,
    );
  return `${page(
    'Errors',
    'npm run docs',
    'Every error has a stable `code`. Over HTTP it is an `application/problem+json` document with the code, the `request_id` and, for bad input, one entry in `errors` for each wrong field. Branch on `code`, never on the text.',
  )}\n\n| code | status | same call may succeed later | what it means |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** The alert rules for Prometheus. */
export function prometheusRules(): string {
  return prometheusRuleFile(alertRules);
}

function page(title: string, command: string, text: string): string {
  return `# ${title}\n\n<!-- Made by \`${command}\`; a test compares it with the code. -->\n\n${text}`;
}

function again({ retryable }: ErrorSpec): string {
  return retryable ? 'yes' : 'no';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
