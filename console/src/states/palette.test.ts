import { describe, expect, it } from 'vitest';
import styles from '../styles.css?raw';
import { jobStates } from './job-states.js';
import palette from './palette.css?raw';
import { workerStates } from './worker-states.js';

type Rgb = [number, number, number];

function colours(css: string): Map<string, [Rgb, Rgb]> {
  const found = css.matchAll(/--color-([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g);
  return new Map(
    [...found].map(([, name, light, dark]) => [name ?? '', [rgb(light ?? ''), rgb(dark ?? '')]]),
  );
}

const rgb = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Rgb;
const mix = (over: Rgb, under: Rgb, share: number): Rgb =>
  over.map((value, i) => value * share + (under[i] ?? 0) * (1 - share)) as Rgb;

function luminance(colour: Rgb): number {
  const [r = 0, g = 0, b = 0] = colour.map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: Rgb, b: Rgb): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const tokens = colours(styles);
const states = colours(palette);
const token = (name: string, theme: number): Rgb => {
  const pair = tokens.get(name);
  if (pair === undefined) throw new Error(`no colour ${name}`);
  return pair[theme] as Rgb;
};

describe.each([
  ['light', 0],
  ['dark', 1],
])('in the %s theme', (_name, theme) => {
  const grounds = ['page', 'panel', 'well', 'hover', 'alarm'];

  it.each([...states.keys()])('%s can be read', (name) => {
    const colour = states.get(name)?.[theme] as Rgb;
    for (const ground of grounds) {
      expect(contrast(colour, token(ground, theme)), `on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    const tint = mix(colour, token('panel', theme), 0.1);
    expect(contrast(colour, tint), 'on its own tint').toBeGreaterThanOrEqual(4.5);
  });

  it.each(['text', 'muted'])('%s can be read', (name) => {
    for (const ground of grounds) {
      expect(contrast(token(name, theme), token(ground, theme)), `on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('the focus ring can be seen', () => {
    for (const ground of grounds) {
      expect(contrast(token('focus', theme), token(ground, theme))).toBeGreaterThanOrEqual(3);
    }
  });
});

it('gives every state a colour and an icon of its own', () => {
  for (const looks of [jobStates, workerStates]) {
    const all = Object.values(looks);
    expect(new Set(all.map((look) => look.icon)).size).toBe(all.length);
    expect(new Set(all.map((look) => look.className)).size).toBe(all.length);
    for (const { className } of all) expect(states.has(className.replace('text-', ''))).toBe(true);
  }
});
