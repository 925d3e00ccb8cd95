/*
 * Numbers and spans as people read them. A missing number never becomes text here: callers ask
 * `isNumber` first, and what is missing is drawn by <Value>, with a reason.
 */

export const MISSING = "\u2014";
const MINUS = "\u2212";

export function isNumber(v: unknown): v is number {
  return typeof v === "number" && Number.isFinite(v);
}

const grouped = new Map<number, Intl.NumberFormat>();

/* A plain number with a true minus sign; what rounds to zero has no sign. */
export function fixed(v: number, digits: number): string {
  let f = grouped.get(digits);
  if (!f) {
    f = new Intl.NumberFormat("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    grouped.set(digits, f);
  }
  const text = f.format(Math.abs(v));
  return v < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/* [number, unit]; apart, because the page sets the unit smaller. */
export type Measure = [string, string];

export function watts(v: number): Measure {
  // 999.6 would round to 1,000 W: the change to kW comes where the rounding does
  return Math.abs(v) < 999.5 ? [fixed(v, 0), "W"] : [fixed(v / 1000, 2), "kW"];
}

export function energy(wh: number): Measure {
  const kwh = Math.abs(wh) / 1000;
  return [fixed(wh / 1000, kwh < 99.995 ? 2 : kwh < 999.95 ? 1 : 0), "kWh"];
}

export const celsius = (v: number): Measure => [fixed(v, 1), "°C"];
export const kelvin = (v: number): Measure => [fixed(v, 1), "K"];
export const litresPerHour = (v: number): Measure => [fixed(v, 0), "l/h"];
export const amps = (v: number): Measure => [fixed(v, 2), "A"];
export const volts = (v: number): Measure => [fixed(v, 1), "V"];
export const hertz = (v: number): Measure => [fixed(v, 2), "Hz"];
export const percent = (v: number): Measure => [fixed(100 * v, 1), "%"];
/* Of what may be far below an ampere. */
export const smallAmps = (v: number): Measure => (Math.abs(v) < 0.9995 ? [fixed(1000 * v, 0), "mA"] : amps(v));
export const ratio = (v: number): Measure => [fixed(v, 2), ""];

/* How many of something; a dash where the device does not know. */
export const count = (n: number | null | undefined) => (isNumber(n) ? fixed(n, 0) : MISSING);

export const text = ([n, unit]: Measure) => (unit ? `${n}\u00a0${unit}` : n);

const SPANS: [number, string][] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/* "42 s", "3 min", "2 h 5 min", "3 d 4 h": two units at most, never rounded up. */
export function span(ms: number): string {
  let s = Math.max(0, Math.floor(ms / 1000));
  if (s < 1) return "0 s";
  const first = SPANS.findIndex(([size]) => s >= size);
  const words: string[] = [];
  for (const [size, unit] of SPANS.slice(first, first + 2)) {
    const n = Math.floor(s / size);
    s -= n * size;
    // seconds beside minutes are noise in an age
    if (n > 0 && !(unit === "s" && words.length > 0)) words.push(`${n}\u00a0${unit}`);
  }
  return words.join(" ");
}

/* Ends of scales grow by steps of 1-2-5, so that bars do not breathe with each value. */
export function scaleEnd(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return (least <= decade ? 1 : least <= 2 * decade ? 2 : least <= 5 * decade ? 5 : 10) * decade;
}
