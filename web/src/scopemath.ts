/* What a waveform's numbers are as lines, words and rows; nothing here touches the page. */
import { fixed, isNumber, smallAmps, text } from "./format";
import type { Trace, Waveform } from "./api";

/* ms from the voltage's rise, of each sample. */
export function times(w: Waveform, t: Trace): number[] {
  return t.values.map((_, n) => (t.first_us + n * w.step_us) / 1000);
}

/* Number of the sample nearest to a time in ms; null outside the trace. */
export function nearest(w: Waveform, t: Trace, ms: number): number | null {
  const n = Math.round((ms * 1000 - t.first_us) / w.step_us);
  return n >= 0 && n < t.values.length ? n : null;
}

/* Half the height of a value axis: the greatest value and a little more. */
export function reach(t: Trace | null): number {
  const most = t ? t.values.reduce((m, v) => Math.max(m, Math.abs(v)), 0) : 0;
  return most > 0 ? most * 1.08 : 1;
}

/* Values of clipped samples, null elsewhere; null alone where none is. */
export function clippedOnly(t: Trace): (number | null)[] {
  const marked = new Set(t.clipped);
  return t.values.map((v, n) => (marked.has(n) ? v : null));
}

/* Whether the converter's range was enough, in a sentence. */
export function clipping(w: Waveform): { clips: boolean; words: string } {
  const parts: string[] = [];
  for (const [name, t] of [["voltage", w.voltage], ["current", w.current]] as const) {
    if (t && t.clipped.length > 0) parts.push(`${t.clipped.length} of ${w.samples} samples of the ${name}`);
  }
  if (parts.length === 0) return { clips: false, words: "Nothing clips." };
  return { clips: true, words: `Clipping: ${parts.join(" and ")} stand at the converter's limit; the true value is larger.` };
}

/* The converter's noise, in a sentence; the limits are those of 12 bits the metering warns at. */
export function noise(w: Waveform): string {
  const lsb = w.current.noise_lsb;
  if (!isNumber(lsb) || !isNumber(w.current.noise)) return "Noise is not known yet: it is learned while the load is smooth.";
  const most = 0.7 * 2 ** Math.max(0, w.bits - 12);
  const judged = lsb < 0.4 ? ", so quiet that the converter's steps show" : lsb > 1.15 * most ? ", more than usual" : "";
  return `Noise ${fixed(lsb, 2)} steps of the converter, ${text(smallAmps(w.current.noise))}${judged}.`;
}

export interface Harmonic {
  order: number;
  volts: number | null;
  voltsShare: number | null; // of the fundamental
  voltsDeg: number | null;
  amps: number | null;
  ampsShare: number | null;
  ampsDeg: number | null;
}

function share(t: Trace | null, k: number): number | null {
  const h = t?.harmonics?.rms;
  // the device gives no distortion of what is mere noise, nor is there a share of it
  return h && isNumber(t?.thd) && h[0]! > 0 ? h[k]! / h[0]! : null;
}

export function harmonics(w: Waveform): Harmonic[] {
  const n = w.current.harmonics?.rms.length ?? 0;
  return Array.from({ length: n }, (_, k) => ({
    order: k + 1,
    volts: w.voltage?.harmonics?.rms[k] ?? null,
    voltsShare: share(w.voltage, k),
    voltsDeg: w.voltage?.harmonics?.angle_deg[k] ?? null,
    amps: w.current.harmonics?.rms[k] ?? null,
    ampsShare: share(w.current, k),
    ampsDeg: w.current.harmonics?.angle_deg[k] ?? null,
  }));
}

/* The strongest harmonics above the fundamental, spoken: "3rd 12 %, 5th 7 %". */
export function strongest(list: readonly Harmonic[], key: "voltsShare" | "ampsShare"): string {
  const found = list.filter((h) => h.order > 1 && (h[key] ?? 0) >= 0.005).sort((a, b) => b[key]! - a[key]!);
  if (found.length === 0) return "none above half a per cent";
  return found.slice(0, 3).map((h) => `${ordinal(h.order)} ${fixed(100 * h[key]!, 1)} %`).join(", ");
}

export function ordinal(n: number): string {
  const tens = n % 100;
  const end = tens > 10 && tens < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${end}`;
}
