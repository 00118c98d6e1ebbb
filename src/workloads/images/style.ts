/** The looks that the local model knows. */
export const styles = ['neutral', 'bright', 'warm', 'evening', 'noir', 'soft'] as const;
export type Style = (typeof styles)[number];

/** Words and phrases that choose a style. A phrase counts only as whole words, in any case. */
export const styleWords: Readonly<Record<Style, readonly string[]>> = Object.freeze({
  neutral: ['neutral', 'natural', 'true to life'],
  bright: ['bright', 'brighter', 'brighten', 'airy', 'sunny', 'daylight'],
  warm: ['warm', 'warmer', 'warmth', 'cosy', 'cozy', 'golden', 'amber'],
  evening: ['evening', 'dusk', 'sunset', 'twilight', 'golden hour', 'blue hour'],
  noir: ['noir', 'black and white', 'black & white', 'b&w', 'bw', 'monochrome', 'greyscale', 'grayscale'],
  soft: ['soft', 'softer', 'dreamy', 'pastel', 'gentle', 'matte'],
});

const matchers = styles.flatMap((style) =>
  styleWords[style].map((words) => ({
    style,
    words,
    pattern: new RegExp(`(?<![\\p{L}\\p{N}])${words.replaceAll(' ', '[\\s-]+')}(?![\\p{L}\\p{N}])`, 'iu'),
  })),
);

/**
 * The style that a prompt asks for: the first one it names, the longer phrase where two begin at the same
 * word (`golden hour` is evening, `golden` is warm). A prompt that names none is neutral.
 */
export function styleOf(prompt: string): Style {
  const found = matchers
    .map(({ style, words, pattern }) => ({ style, at: prompt.search(pattern), length: words.length }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at || b.length - a.length);
  return found[0]?.style ?? 'neutral';
}
