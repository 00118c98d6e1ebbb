import type { AsyncCommand } from 'fast-check';
import { compare, type Seen } from './compare.js';
import type { Model } from './model.js';
import type { Rig } from './rig.js';

/** What a command acts on besides the model. */
export interface Real {
  readonly rig: Rig;
  readonly seen: Seen;
}

export type Command = AsyncCommand<Model, Real>;

/** Does one thing to the model and the same to the database, and fails when they answer differently. */
export type Act<Args> = (args: Args, model: Model, rig: Rig) => Promise<void>;

/** A kind of command: after each, all of the model is compared with all of the database. Printed with its arguments. */
export function command<Args extends object>(name: string, act: Act<Args>): (args: Args) => Command {
  return (args) => ({
    check: () => true,
    async run(model, { rig, seen }) {
      await act(args, model, rig);
      await compare(model, rig, seen);
    },
    toString: () => `${name}(${JSON.stringify(args)})`,
  });
}

/** The element that a number chosen beforehand stands for; lists grow while commands run. */
export function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[at % list.length];
}
