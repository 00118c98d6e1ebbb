/** What an expression asks for: each metric with the labels that it selects by, and the labels that it groups by. */
export interface Asked {
  readonly metrics: readonly {
    readonly name: string;
    /** The values that it compares with, by label; of `=~` and `!~` the pattern. */
    readonly matchers: readonly {
      readonly label: string;
      readonly operator: string;
      readonly value: string;
    }[];
    /** Whether `max`, `min` or a `by` of one of them stands right before it. */
    readonly taken: boolean;
  }[];
  readonly grouping: readonly string[];
}

const words = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'];
const operators = ['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan', 'start', 'end'];

/** Reads the names out of an expression of PromQL. It is no parser: what is not valid may pass. */
export function askedBy(expression: string): Asked {
  const metrics: { name: string; matchers: Asked['metrics'][number]['matchers']; taken: boolean }[] = [];
  const grouping: string[] = [];
  let rest = expression;
  let before = '';
  while (rest !== '') {
    const [name] = /^[a-zA-Z_:][\w:]*/.exec(rest) ?? [];
    const skipped = name === undefined ? /^(?:"[^"]*"|\[[^\]]*\]|\d[\w.]*|.|\n)/.exec(rest) : null;
    const step = name ?? skipped?.[0] ?? rest;
    rest = rest.slice(step.length);
    if (name !== undefined) {
      const list = /^\s*\(([^)]*)\)/.exec(rest);
      if (words.includes(name) && list !== null) {
        grouping.push(...(list[1] ?? '').split(',').flatMap((label) => label.trim() || []));
        rest = rest.slice(list[0].length);
      } else if (!/^\s*(\(|by\b|without\b)/.test(rest) && !operators.includes(name.toLowerCase())) {
        const braces = /^\s*\{([^}]*)\}/.exec(rest);
        rest = rest.slice(braces?.[0].length ?? 0);
        const taken = /\b(max|min)\s*(by\s*\([^)]*\)\s*)?\(\s*$/.test(before);
        metrics.push({ name, matchers: matchersOf(braces?.[1] ?? ''), taken });
      }
    }
    before = expression.slice(0, expression.length - rest.length);
  }
  return { metrics, grouping };
}

function matchersOf(text: string): { label: string; operator: string; value: string }[] {
  return [...text.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label, operator, value]) => ({
    label: label ?? '',
    operator: operator ?? '',
    value: value ?? '',
  }));
}
