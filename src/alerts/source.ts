import { AbortReason, waitOrAbort } from '../foundation/abort.js';
import { messageOf } from '../foundation/errors.js';
import type { Logger } from '../foundation/logger.js';
import type { Sighting } from './lifecycle.js';
import type { AlertRule, RuleTraits } from './rule.js';

/** Rules that are judged by the same facts, which are gathered once an evaluation. */
export interface AlertSource {
  readonly rules: readonly RuleTraits[];
  /** Never rejects: what cannot be judged is unknown. */
  look(logger: Logger): Promise<readonly Sighting[]>;
}

/** Facts that took longer are of no use: the next evaluation begins. */
const gatherTimeoutMs = 5_000;

export function alertSource<Facts>(
  rules: readonly AlertRule<Facts>[],
  gather: (signal: AbortSignal) => Promise<Facts>,
): AlertSource {
  return Object.freeze({
    rules,
    async look(logger: Logger) {
      const facts = await gathered(gather, rules, logger);
      return rules.map((rule) => ({ rule, observations: facts && judge(rule, facts.value, logger) }));
    },
  });
}

async function gathered<Facts>(
  gather: (signal: AbortSignal) => Promise<Facts>,
  rules: readonly RuleTraits[],
  logger: Logger,
): Promise<{ value: Facts } | null> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new AbortReason('timeout', `no facts within ${gatherTimeoutMs} ms`)),
    gatherTimeoutMs,
  );
  try {
    return { value: await waitOrAbort(gather(controller.signal), controller.signal) };
  } catch (error) {
    logger.warn(
      { error: messageOf(error), rules: rules.map(({ name }) => name) },
      'alert rules could not be judged: their alerts stay as they are',
    );
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** One rule that throws must not silence the others. */
function judge<Facts>(rule: AlertRule<Facts>, facts: Facts, logger: Logger) {
  try {
    return rule.observe(facts);
  } catch (error) {
    logger.error({ rule: rule.name, error: messageOf(error) }, 'an alert rule threw');
    return null;
  }
}
