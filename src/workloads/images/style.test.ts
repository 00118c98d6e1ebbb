import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { styleOf, styles, styleWords } from './style.js';

describe('styleOf', () => {
  it.each([
    ['Test enhancement', 'neutral'],
    ['', 'neutral'],
    ['Make it BRIGHT and airy', 'bright'],
    ['a warm living room', 'warm'],
    ['golden light', 'warm'],
    ['golden hour at the lake', 'evening'],
    ['film noir', 'noir'],
    ['black-and-white please', 'noir'],
    ['B&W', 'noir'],
    ['soft, then bright', 'soft'],
    ['natural, not warm', 'neutral'],
    ['brightness of a swarm', 'neutral'],
    ['Warmführung', 'neutral'],
    ['$&.*(warm)', 'warm'],
  ])('%j is %s', (prompt, style) => {
    expect(styleOf(prompt)).toBe(style);
  });

  it('knows every style by every one of its words', () => {
    for (const style of styles)
      for (const words of styleWords[style]) expect(styleOf(`so ${words}!`)).toBe(style);
  });

  it('is documented with all its words', () => {
    const page = readFileSync(new URL('../../../docs/images.md', import.meta.url), 'utf8').replace(
      / +/g,
      ' ',
    );
    for (const style of styles) expect(page).toContain(`| \`${style}\` | ${styleWords[style].join(', ')} |`);
  });
});
