/*
 * The scope's screen: voltage and current over time, an axis each, zero in the middle of both. Each
 * trace keeps its own times, so the two are joined, and drawn over the other's instants. Clipped
 * samples are dots. The cursor is a time, which stays where it is while the signals move on.
 */
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import uPlot from "uplot";
import { css } from "./chart";
import { fixed } from "./format";
import { wave } from "./scope";
import { clippedOnly, reach, times } from "./scopemath";
import { shown } from "./theme";
import type { Waveform } from "./api";

/* ms under the cursor, or null; and how often the keyboard moved it. */
export const scopeCursor = signal<number | null>(null);
export const scopeSpoken = signal(0);

export const VOLTS = { color: "--outside", dash: [] as number[] };
export const AMPS = { color: "--elec", dash: [7, 3] };

function dataOf(w: Waveform): uPlot.AlignedData {
  const v = w.voltage;
  const tables: uPlot.AlignedData[] = [];
  if (v) tables.push([times(w, v), v.values, clippedOnly(v)] as uPlot.AlignedData);
  tables.push([times(w, w.current), w.current.values, clippedOnly(w.current)] as uPlot.AlignedData);
  const joined = uPlot.join(tables) as (number | null | undefined)[][];
  // without a reference the voltage's two lines are empty
  const empty = () => joined[0]!.map(() => null);
  return (v ? joined : [joined[0]!, empty(), empty(), ...joined.slice(1)]) as uPlot.AlignedData;
}

const symmetric = (of: (w: Waveform) => number) => (): [number, number] => {
  const w = wave.peek();
  const r = w ? of(w) : 1;
  return [-r, r];
};

function span(): [number, number] {
  const w = wave.peek();
  return w ? [0, (w.samples * w.step_us) / 1000] : [0, 40];
}

function line(scale: string, look: { color: string; dash: number[] }): uPlot.Series {
  return { scale, stroke: css(look.color), width: 1.8, dash: look.dash, spanGaps: true, points: { show: false } };
}

function dots(scale: string): uPlot.Series {
  const fill = css("--bad");
  return { scale, stroke: fill, width: 0, spanGaps: false, paths: () => null, points: { show: true, size: 6, fill, width: 0 } };
}

function options(width: number, height: number): uPlot.Options {
  const quiet = { stroke: css("--ink2"), font: "12px system-ui, sans-serif" };
  const rule = { stroke: css("--grid"), width: 1 };
  const tick = (v: number) => fixed(v, Math.abs(v) < 1 && v !== 0 ? 2 : Math.abs(v) < 10 && v % 1 !== 0 ? 1 : 0);
  const values = (_u: uPlot, splits: number[]) => splits.map(tick);
  return {
    width,
    height,
    padding: [10, 4, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
    scales: {
      x: { time: false, range: span },
      v: { range: symmetric((w) => reach(w.voltage)) },
      a: { range: symmetric((w) => reach(w.current)) },
    },
    axes: [
      { ...quiet, size: 30, gap: 6, space: 50, grid: { show: false }, ticks: { ...rule, size: 5 }, values },
      { ...quiet, scale: "v", size: 44, gap: 5, space: 30, grid: rule, ticks: { show: false }, values },
      { ...quiet, scale: "a", side: 1, size: 44, gap: 5, space: 30, grid: { show: false }, ticks: { show: false }, values },
    ],
    series: [{}, line("v", VOLTS), dots("v"), line("a", AMPS), dots("a")],
    hooks: {
      setCursor: [(u) => {
        const left = u.cursor.left ?? -1;
        scopeCursor.value = left >= 0 ? u.posToVal(left, "x") : null;
      }],
    },
  };
}

/* Puts the cursor at a time; null hides it. */
function point(u: uPlot, ms: number | null) {
  u.setCursor({ left: ms === null ? -10 : u.valToPos(ms, "x"), top: ms === null ? -10 : 10 });
}

function moveCursor(u: uPlot, key: string): boolean {
  const w = wave.peek();
  const here = scopeCursor.peek();
  if (!w) return false;
  if (key === "Escape") {
    point(u, null);
    return here !== null;
  }
  const step = w.step_us / 1000;
  const end = w.samples * step;
  const to: Record<string, number> = {
    ArrowLeft: (here ?? end) - step,
    ArrowRight: (here ?? -step) + step,
    PageUp: (here ?? end) - 10 * step,
    PageDown: (here ?? -step) + 10 * step,
    Home: 0,
    End: end,
  };
  const target = to[key];
  if (target === undefined) return false;
  point(u, Math.min(end, Math.max(0, target)));
  scopeSpoken.value++;
  return true;
}

function touch(u: uPlot) {
  const read = (e: PointerEvent) => {
    if (e.pointerType === "mouse") return;
    const box = u.over.getBoundingClientRect();
    u.setCursor({ left: Math.min(box.width, Math.max(0, e.clientX - box.left)), top: 10 });
  };
  u.over.addEventListener("pointerdown", read);
  u.over.addEventListener("pointermove", read);
}

export function ScopeChart({ height, label, describedBy }: { height: number; label: string; describedBy: string }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const look = shown.value;

  useEffect(() => {
    const el = box.current!;
    const u = new uPlot(options(el.clientWidth, height), [[], [], [], [], []], el);
    plot.current = u;
    touch(u);
    const stop = wave.subscribe((w) => u.setData(w ? dataOf(w) : [[], [], [], [], []]));
    const watch = new ResizeObserver(() => {
      if (el.clientWidth > 0 && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height });
    });
    watch.observe(el);
    return () => {
      stop();
      watch.disconnect();
      u.destroy();
      plot.current = null;
      scopeCursor.value = null;
    };
  }, [look, height]);

  return (
    <div
      class="screen"
      ref={box}
      tabIndex={0}
      role="group"
      aria-roledescription="chart"
      aria-label={label}
      aria-describedby={describedBy}
      style={{ height: `${height}px` }}
      onKeyDown={(e) => {
        if (plot.current && !e.ctrlKey && !e.metaKey && !e.altKey && moveCursor(plot.current, e.key)) e.preventDefault();
      }}
      onBlur={() => plot.current && point(plot.current, null)}
    />
  );
}
