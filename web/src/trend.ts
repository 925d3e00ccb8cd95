/*
 * The trend's state: range, the grid that both charts draw, where its data come from, errors.
 * History is fetched by buckets; over 24 h live values extend it, and every few minutes the
 * device's stored buckets replace what the page has averaged itself.
 */
import { computed, effect, signal } from "@preact/signals";
import { csvPath, getQuery, getSeries, type Answer, type Live, type Series } from "./api";
import { append, fill, filling, gridOf, plan, stepFor, type Filling, type Grid, type Plan } from "./buckets";
import { isNumber } from "./format";
import { live, returns } from "./live";
import { pickSeries, type Part } from "./model";

export interface Range {
  key: string;
  spoken: string;
  ms: number;
}

const DAY = 86_400_000;
export const RANGES: readonly Range[] = [
  { key: "24 h", spoken: "24 hours", ms: DAY },
  { key: "7 d", spoken: "7 days", ms: 7 * DAY },
  { key: "30 d", spoken: "30 days", ms: 30 * DAY },
];

const PARTS: readonly Part[] = ["elec", "heat", "flow_t", "return_t", "outside_t"];
const KEYS = [...PARTS, "heat_low"];
const REFRESH_MS = 120_000; // stored buckets replace the page's own; longer where buckets are
const AGAIN_MS = 10_000; // not more often, whatever the device's clock does

export const range = signal<Range>(RANGES[0]!);
/* What the charts show, with the range it was fetched for: not always the one last asked for. */
export interface Shown extends Grid {
  range: Range;
  ids: readonly string[]; // the series behind the lines
}
/* The address of what the charts show, as a file. */
export function csvOf(g: Shown): string {
  return csvPath(g.ids, g.from, g.to, g.step, "mean,min,max");
}
export const grid = signal<Shown | null>(null);
/* Counts changes inside the grid, which is too large to copy each second. */
export const tick = signal(0);
export const origin = signal<Answer["provenance"]>([]);
export const failure = signal<string | null>(null);
export const busy = signal(false);
/* Width of a chart's plot in CSS pixels, rounded so that a scroll bar does not fetch anew. */
export const pixels = signal(0);

const step = computed(() => (pixels.value > 0 ? stepFor(range.value.ms, pixels.value) : 0));

let series: readonly Series[] = [];
let tail: Filling | null = null;
let pending: AbortController | null = null;
let fetched = -Infinity;

interface Wanted {
  ids: string[];
  lowest: string | null; // the heat series, whose minimum shows defrosts that a mean hides
  names: Record<string, string>;
}

function wanted(now: Live, p: Plan): Wanted {
  const names: Record<string, string> = {};
  const ids: string[] = [];
  for (const part of PARTS) {
    const s = pickSeries(series, part, now.roles, p);
    if (!s) continue;
    ids.push(s.id);
    names[`${s.id} mean`] = part;
  }
  const lowest = pickSeries(series, "heat", now.roles, p)?.id ?? null;
  if (lowest) names[`${lowest} min`] = "heat_low";
  return { ids, lowest, names };
}

export async function load(): Promise<void> {
  const now = live.peek();
  const size = step.peek();
  if (!now || size === 0) return;
  pending?.abort();
  const mine = new AbortController();
  pending = mine;
  fetched = performance.now();
  busy.value = true;
  try {
    await fetchGrid(now, size, mine.signal);
    failure.value = null;
  } catch (error) {
    if (mine.signal.aborted) return;
    failure.value = error instanceof Error ? error.message : String(error);
  } finally {
    if (pending === mine) busy.value = false;
  }
}

async function fetchGrid(now: Live, size: number, abort: AbortSignal): Promise<void> {
  series = await getSeries();
  const asked = range.peek();
  const p = plan(now.time, asked.ms, size);
  const w = wanted(now, p);
  const fresh: Shown = { ...gridOf(p, KEYS), range: asked, ids: w.ids };
  const queries = w.ids.length > 0 ? [getQuery(w.ids, p.from, p.to, size, "mean", abort)] : [];
  if (w.lowest) queries.push(getQuery([w.lowest], p.from, p.to, size, "min", abort));
  const answers = await Promise.all(queries);
  if (abort.aborted) return;
  for (const answer of answers) fill(fresh, answer, w.names);
  const held = grid.peek();
  if (held && held.step === fresh.step) keepLive(held, fresh);
  tail = filling(fresh, live.peek()?.time ?? now.time);
  grid.value = fresh;
  origin.value = answers[0]?.provenance ?? [];
}

/* Live buckets of the last minutes that the device has not yet stored stay on the chart. */
function keepLive(held: Grid, fresh: Grid) {
  const n = fresh.time.length;
  for (let i = Math.max(0, n - 4); i < n; i++) {
    const j = Math.round((fresh.time[i]! - held.from) / held.step);
    for (const key of KEYS) {
      const into = fresh.columns[key]!;
      const had = held.columns[key]?.[j];
      if (!isNumber(into[i]) && isNumber(had)) into[i] = had;
    }
  }
}

function extend(now: Live) {
  const g = grid.peek();
  const h = now.heatpump;
  if (!g || !tail || !h || g.range.ms !== DAY) return;
  const values = {
    elec: h.elec_power,
    heat: h.heat_power,
    flow_t: h.flow_t,
    return_t: h.return_t,
    outside_t: h.outside_t,
  };
  if (!append(g, tail, now.time, values)) {
    if (performance.now() - fetched > AGAIN_MS) void load();
    return;
  }
  const low = g.columns["heat_low"]!;
  const last = low.length - 1;
  if (isNumber(h.heat_power)) low[last] = Math.min(low[last] ?? Infinity, h.heat_power);
  tick.value = tick.peek() + 1; // reading it here would make the effect wait for itself
}

export function startTrend() {
  const known = computed(() => live.value !== null);
  effect(() => {
    // read here so that each of them fetches anew
    range.value;
    step.value;
    returns.value;
    if (known.value) void load();
  });
  effect(() => {
    const now = live.value;
    if (!now) return;
    extend(now);
    const due = failure.peek() ? AGAIN_MS : Math.max(REFRESH_MS, (grid.peek()?.step ?? 0) / 2);
    if (performance.now() - fetched > due) void load();
  });
}
