import { Command } from 'commander';
import { readConfig } from '../../app/config.js';
import { type OutputOptions, paint, print, table } from '../output.js';

export function configCommand(): Command {
  return new Command('config')
    .description('the configuration as it takes effect, and where each value comes from')
    .option('--json', 'print JSON')
    .action((options: OutputOptions) => {
      const { effective, warnings } = readConfig(process.env);
      print(options, { settings: effective, warnings }, () =>
        [
          table(
            ['setting', 'value', 'source', 'what it is'],
            effective.map((s) => [s.name, s.value, s.source, s.help]),
          ),
          ...warnings.map((warning) => `${paint.yellow('warning')} ${warning}`),
        ].join('\n'),
      );
    });
}
