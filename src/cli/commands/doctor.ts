import { Command } from 'commander';
import { readConfig } from '../../app/config.js';
import { commandLogger } from '../context.js';
import { databaseDiagnoses } from '../doctor/database.js';
import { examine, exitCodeOf } from '../doctor/diagnosis.js';
import { diskSpace, nodeVersion, portUsable } from '../doctor/machine.js';
import { type OutputOptions, paint, print, printable, table } from '../output.js';

const painted = {
  ok: paint.green('ok'),
  finding: paint.red('finding'),
  unchecked: paint.yellow('unchecked'),
} as const;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what Signalbox needs and what it has in its database, and say what to do')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit code: 0 all is well, 1 findings, 2 not everything could be checked.')
    .action(async (options: OutputOptions) => {
      const config = readConfig(process.env);
      const diagnoses = [
        nodeVersion(),
        ...(await databaseDiagnoses(config, commandLogger())),
        ...(await examine('disk', async () => [await diskSpace(config)])),
        ...(await examine('port', async () => [await portUsable(config)])),
      ];
      const code = exitCodeOf(diagnoses);
      print(options, { ok: code === 0, checks: diagnoses }, () =>
        table(
          ['check', 'result', 'detail', 'what to do'],
          diagnoses.map(({ check, result, detail, remedy }) => [
            check,
            painted[result],
            printable(detail),
            printable(remedy ?? ''),
          ]),
        ),
      );
      process.exitCode = code;
    });
}
