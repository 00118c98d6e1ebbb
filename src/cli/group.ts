import { Command } from 'commander';

/** Commands of one name, of which the first is meant when none is named. */
export function group(
  name: string,
  description: string,
  [first, ...others]: [Command, ...Command[]],
): Command {
  // Commander would tell a misspelled command that the first one takes no arguments.
  first.allowExcessArguments().hook('preAction', () => {
    const [word] = first.args;
    if (word === undefined) return;
    const known = [first, ...others].map((command) => command.name()).join(', ');
    first.error(`error: ${name} has no command ${word}: there are ${known}`, { exitCode: 2 });
  });
  const commands = new Command(name).description(description).addCommand(first, { isDefault: true });
  for (const other of others) commands.addCommand(other);
  return commands;
}
