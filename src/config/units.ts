const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const byteUnits: Readonly<Record<string, number>> = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

function parse(text: string, units: Readonly<Record<string, number>>, bare: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  if (!match) return undefined;
  const factor = units[(match[2] || bare).toLowerCase()];
  return factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}

/** `1.5s` → 1500. A bare number is seconds. */
export function parseDuration(text: string): number | undefined {
  return parse(text, durationUnits, 's');
}

/** `2kb` → 2048. A bare number is bytes. */
export function parseBytes(text: string): number | undefined {
  return parse(text, byteUnits, 'b');
}

/** `99.5` or `99.5%` as a share from 0 to 1; `undefined` when it is not above 0 and below 100. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d{1,2}(?:\.\d{1,4})?)\s*%?$/.exec(text.trim());
  // Four decimals at most: rounded, so that 99.9 is 0.999.
  const share = Math.round(Number(match?.[1]) * 10_000) / 1_000_000;
  return share > 0 && share < 1 ? share : undefined;
}
