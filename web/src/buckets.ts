/*
 * Buckets of a trend: the plan of a query, the grid that its answer fills, live values added at
 * the end. Nothing is interpolated: a bucket without data is null and stays a gap.
 *
 *   from                                     to = first step after now
 *   ├──step──┼──step──┼── ... ──┼──step──┤
 *   labelled at its start        the last bucket is still filling
 */
import { isNumber } from "./format";
import type { Answer } from "./api";

export type Column = (number | null)[];

export interface Plan {
  from: number;
  to: number;
  step: number;
}

export interface Grid extends Plan {
  time: number[];
  columns: Record<string, Column>;
}

export const MIN_STEP_MS = 60_000;
const MINUTES = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440];

/* The finest step on the ladder that gives at most one bucket a pixel. */
export function stepFor(rangeMs: number, pixels: number): number {
  const least = Math.max(MIN_STEP_MS, rangeMs / Math.max(1, pixels));
  const minutes = MINUTES.find((m) => m * 60_000 >= least) ?? 1440;
  return minutes * 60_000;
}

export function plan(nowMs: number, rangeMs: number, step: number): Plan {
  const to = (Math.floor(nowMs / step) + 1) * step;
  return { from: to - Math.ceil(rangeMs / step) * step, to, step };
}

/* An empty grid: every bucket of the plan, all missing. */
export function gridOf(p: Plan, keys: readonly string[]): Grid {
  const n = Math.round((p.to - p.from) / p.step);
  const time = Array.from({ length: n }, (_, i) => p.from + i * p.step);
  const columns: Record<string, Column> = {};
  for (const key of keys) columns[key] = new Array<number | null>(n).fill(null);
  return { ...p, time, columns };
}

/*
 * Puts an answer's buckets where they belong, whatever buckets the device left out. `names` maps
 * "series fn" of the answer to the key in the grid. The device knows best: its values replace
 * ours, but its missing does not wipe a live value that it has not stored yet.
 */
export function fill(grid: Grid, answer: Answer, names: Readonly<Record<string, string>>): void {
  for (const column of answer.columns) {
    const into = grid.columns[names[`${column.series} ${column.fn}`] ?? ""];
    if (!into) continue;
    answer.time.forEach((t, i) => {
      const at = Math.floor((t - grid.from) / grid.step);
      const v = column.values[i];
      if (at >= 0 && at < into.length && isNumber(v)) into[at] = v;
    });
  }
}

/* Moves the window on to hold `nowMs`; buckets that nobody filled are missing. */
export function slide(grid: Grid, nowMs: number): void {
  const by = Math.floor((nowMs - grid.to) / grid.step) + 1;
  if (by <= 0) return;
  const n = grid.time.length;
  const cut = Math.min(by, n);
  grid.from += by * grid.step;
  grid.to += by * grid.step;
  grid.time = Array.from({ length: n }, (_, i) => grid.from + i * grid.step);
  for (const key of Object.keys(grid.columns)) {
    const kept = (grid.columns[key] ?? []).slice(cut);
    grid.columns[key] = kept.concat(new Array<number | null>(cut).fill(null));
  }
}

/*
 * The running mean of the bucket that is still filling, weighted by time: the device's mean of
 * the part before we looked, then each live value for the time since the one before.
 */
export interface Filling {
  bucket: number; // its start, ms
  at: number; // the last live value taken, ms
  sum: Record<string, number>; // value x ms
  weight: Record<string, number>; // ms
}

export function filling(grid: Grid, nowMs: number): Filling {
  const bucket = grid.to - grid.step;
  const f: Filling = { bucket, at: nowMs, sum: {}, weight: {} };
  for (const [key, column] of Object.entries(grid.columns)) {
    const v = column[column.length - 1];
    if (!isNumber(v)) continue;
    f.weight[key] = Math.max(1, nowMs - bucket);
    f.sum[key] = v * f.weight[key];
  }
  return f;
}

/* Adds live values, sliding the grid along. False: time jumped, the grid must be fetched anew. */
export function append(grid: Grid, f: Filling, nowMs: number, values: Record<string, number | null>): boolean {
  const since = nowMs - f.at;
  if (since < 0 || since > 2 * grid.step) return false;
  slide(grid, nowMs);
  const bucket = grid.to - grid.step;
  if (bucket !== f.bucket) {
    f.bucket = bucket;
    f.sum = {};
    f.weight = {};
  }
  const w = Math.max(1, Math.min(since, nowMs - bucket));
  f.at = nowMs;
  for (const [key, v] of Object.entries(values)) {
    const column = grid.columns[key];
    if (!column || !isNumber(v)) continue;
    f.sum[key] = (f.sum[key] ?? 0) + v * w;
    f.weight[key] = (f.weight[key] ?? 0) + w;
    column[column.length - 1] = f.sum[key]! / f.weight[key]!;
  }
  return true;
}

export interface Summary {
  min: number;
  max: number;
  mean: number;
  count: number;
}

export function summary(column: Column): Summary | null {
  const seen = column.filter(isNumber);
  if (seen.length === 0) return null;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (const v of seen) {
    min = Math.min(min, v);
    max = Math.max(max, v);
    sum += v;
  }
  return { min, max, mean: sum / seen.length, count: seen.length };
}

/* COP as a ratio of energies over the buckets in which both powers were measured. */
export function copOf(elec: Column, heat: Column): number | null {
  let e = 0;
  let h = 0;
  elec.forEach((v, i) => {
    const w = heat[i];
    if (!isNumber(v) || !isNumber(w)) return;
    e += v;
    h += w;
  });
  return e > 0 ? h / e : null;
}

/* Share of the buckets up to now in which any of the columns has a value, 0..1. */
export function coverage(columns: readonly Column[]): number {
  const n = columns[0]?.length ?? 0;
  if (n === 0) return 0;
  let seen = 0;
  for (let i = 0; i < n; i++) if (columns.some((c) => isNumber(c[i]))) seen++;
  return seen / n;
}

/* Runs [first, last] of buckets in which no column has a value. */
export function gaps(columns: readonly Column[]): [number, number][] {
  const n = columns[0]?.length ?? 0;
  const runs: [number, number][] = [];
  for (let i = 0; i < n; i++) {
    if (columns.some((c) => isNumber(c[i]))) continue;
    const last = runs[runs.length - 1];
    if (last && last[1] === i - 1) last[1] = i;
    else runs.push([i, i]);
  }
  return runs;
}

export interface Row {
  label: string;
  values: Record<string, number | null>;
}

/* Means of the buckets that `labelOf` puts under one heading, for the table. */
export function rows(grid: Grid, labelOf: (ms: number) => string): Row[] {
  const groups = new Map<string, number[]>();
  grid.time.forEach((t, i) => {
    const label = labelOf(t);
    const g = groups.get(label);
    if (g) g.push(i);
    else groups.set(label, [i]);
  });
  return [...groups].map(([label, members]) => {
    const values: Record<string, number | null> = {};
    for (const [key, column] of Object.entries(grid.columns)) {
      values[key] = summary(members.map((i) => column[i] ?? null))?.mean ?? null;
    }
    return { label, values };
  });
}
