/*
 * One chart: uPlot on a canvas, and around it what a canvas lacks. Lines with a name, a colour
 * and a dash pattern; the value under the cursor as text; arrow keys; gaps shaded as gaps.
 *
 * Cursors of all charts of a trend move together: the mouse by uPlot.sync, the rest by point().
 */
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import uPlot from "uplot";
import { gaps, type Grid } from "./buckets";
import { isNumber } from "./format";
import { shown } from "./theme";
import { at } from "./time";
import { grid, pixels, tick } from "./trend";

export interface Line {
  key: string;
  label: string;
  color: string; // name of a CSS variable
  dash: number[];
  fill?: boolean;
  /* Drawn as bars under zero, one a bucket, not as a line: the defrosts. */
  below?: boolean;
}

/* The bucket under the cursor, or null; and whether the keyboard put it there. */
export const cursor = signal<number | null>(null);
export const spoken = signal(0);

const SYNC = "trend";
const AXIS_PX = 46;

export function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function seriesOf(line: Line): uPlot.Series {
  const color = css(line.color);
  if (line.below) {
    // Over weeks every bucket may hold a defrost: paler, or minutes would look like days of cold.
    const fill = () => `${color}${(grid.peek()?.step ?? 0) > 1_800_000 ? "38" : "8c"}`;
    return { label: line.label, fill, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.6, 5] }) };
  }
  return {
    label: line.label,
    stroke: color,
    width: 1.8,
    dash: line.dash,
    ...(line.fill ? { fill: `${color}1f` } : {}),
    points: { show: false, size: 5, fill: color, filter: alone },
    spanGaps: false,
  };
}

/* A single bucket between two gaps has no line to either side: it is drawn as a point. */
function alone(u: uPlot, si: number): number[] | null {
  const column = u.data[si] as (number | null)[];
  const found: number[] = [];
  column.forEach((v, i) => {
    if (isNumber(v) && !isNumber(column[i - 1]) && !isNumber(column[i + 1])) found.push(i);
  });
  return found.length > 0 ? found : null;
}

/* Midnight names the day, any other tick its time; ranges of weeks have ticks at midnights only. */
function tickLabels(zone: string) {
  return (_u: uPlot, splits: number[]) =>
    splits.map((ms) => {
      const clock = at(ms, zone, "minute");
      return clock === "00:00" ? at(ms, zone, "day") : clock;
    });
}

function shadeGaps(lines: readonly Line[]) {
  return (u: uPlot) => {
    const g = grid.peek();
    if (!g) return;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.fillStyle = css("--gap");
    for (const [first, last] of gaps(lines.map((l) => g.columns[l.key] ?? []))) {
      const left = u.valToPos(g.from + first * g.step, "x", true);
      const right = u.valToPos(g.from + (last + 1) * g.step, "x", true);
      const from = Math.max(left, bbox.left);
      const to = Math.min(right, bbox.left + bbox.width);
      if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.restore();
  };
}

export interface ChartProps {
  lines: readonly Line[];
  zone: string;
  height: number;
  scale: (v: number) => string; // a tick of the value axis
  zero?: boolean; // the axis always shows zero
  label: string;
  describedBy: string;
}

function options(p: ChartProps, width: number): uPlot.Options {
  const quiet = { stroke: css("--ink2"), font: "12px system-ui, sans-serif" };
  const rule = { stroke: css("--grid"), width: 1 };
  return {
    width,
    height: p.height,
    ms: 1,
    padding: [10, 6, 0, 0],
    legend: { show: false },
    tzDate: (ms) => uPlot.tzDate(new Date(ms), p.zone),
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      sync: { key: SYNC, setSeries: false },
      points: { size: 9 },
    },
    scales: {
      x: { time: true, range: () => edges() },
      y: { range: (_u, min, max) => limits(min, max, p.zero === true) },
    },
    axes: [
      { ...quiet, size: 30, gap: 6, space: 64, grid: { show: false }, ticks: { ...rule, size: 5 }, values: tickLabels(p.zone) },
      {
        ...quiet, size: AXIS_PX, gap: 6, space: 34, grid: rule, ticks: { show: false },
        values: (_u, splits) => splits.map(p.scale),
      },
    ],
    series: [{}, ...drawOrder(p.lines).map(seriesOf)],
    hooks: {
      drawClear: [shadeGaps(p.lines)],
      drawAxes: [p.zero ? zeroLine : () => undefined],
      setCursor: [(u) => { cursor.value = u.cursor.idx ?? null; }],
    },
  };
}

function zeroLine(u: uPlot) {
  const y = Math.round(u.valToPos(0, "y", true)) + 0.5;
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = css("--axis");
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function edges(): [number, number] {
  const g = grid.peek();
  return g ? [g.from, g.to] : [0, 1];
}

function limits(min: number | null, max: number | null, zero: boolean): [number, number] {
  if (!isNumber(min) || !isNumber(max)) return [0, 1];
  const lo = zero ? Math.min(0, min) : min;
  const hi = zero ? Math.max(0, max) : max;
  const room = Math.max(hi - lo, 1) * 0.06;
  return [lo === 0 ? 0 : lo - room, hi + room];
}

/* The first line of a legend lies on top. */
const drawOrder = (lines: readonly Line[]) => [...lines].reverse();

function dataOf(g: Grid, lines: readonly Line[]): uPlot.AlignedData {
  const columns = drawOrder(lines).map((l) => {
    const column = g.columns[l.key] ?? [];
    return l.below ? column.map((v) => (isNumber(v) && v < 0 ? v : null)) : column;
  });
  // a bucket is drawn in its middle: at its start, an hour's mean would come half an hour early
  return [g.time.map((t) => t + g.step / 2), ...columns];
}

/* Moves the cursors of all charts, whose plots are equally wide; null hides them. */
function point(left: number | null) {
  for (const u of uPlot.sync(SYNC).plots) u.setCursor({ left: left ?? -10, top: left === null ? -10 : 10 });
}

function moveCursor(u: uPlot, key: string): boolean {
  const n = u.data[0].length;
  const here = cursor.peek();
  const to: Record<string, number> = {
    ArrowLeft: (here ?? n) - 1,
    ArrowRight: (here ?? -1) + 1,
    PageUp: (here ?? n) - 10,
    PageDown: (here ?? -1) + 10,
    Home: 0,
    End: n - 1,
  };
  if (key === "Escape") {
    point(null);
    return here !== null;
  }
  const target = to[key];
  if (target === undefined || n === 0) return false;
  const idx = Math.min(n - 1, Math.max(0, target));
  point(u.valToPos(u.data[0][idx]!, "x"));
  spoken.value++;
  return true;
}

/* Fingers: a tap or a sideways stroke reads values, an upright one scrolls the page. */
function touch(u: uPlot) {
  const read = (e: PointerEvent) => {
    if (e.pointerType === "mouse") return;
    const box = u.over.getBoundingClientRect();
    point(Math.min(box.width, Math.max(0, e.clientX - box.left)));
  };
  u.over.addEventListener("pointerdown", read);
  u.over.addEventListener("pointermove", read);
}

export function Chart(p: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const look = shown.value;

  useEffect(() => {
    const el = box.current!;
    const u = new uPlot(options(p, el.clientWidth), [[]], el);
    plot.current = u;
    touch(u);
    const stop = tick.subscribe(() => draw());
    const stopGrid = grid.subscribe(() => draw());
    function draw() {
      const g = grid.peek();
      if (g) u.setData(dataOf(g, p.lines));
    }
    const watch = new ResizeObserver(() => {
      const width = el.clientWidth;
      if (width > 0 && width !== u.width) u.setSize({ width, height: p.height });
      pixels.value = Math.max(100, Math.round((width - AXIS_PX) / 50) * 50);
    });
    watch.observe(el);
    return () => {
      stop();
      stopGrid();
      watch.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [look, p.zone, p.height]);

  return (
    <div
      class="chart"
      ref={box}
      tabIndex={0}
      role="group"
      aria-roledescription="chart"
      aria-label={p.label}
      aria-describedby={p.describedBy}
      style={{ height: `${p.height}px` }}
      onKeyDown={(e) => {
        if (plot.current && !e.ctrlKey && !e.metaKey && !e.altKey && moveCursor(plot.current, e.key)) e.preventDefault();
      }}
      onBlur={() => point(null)}
    />
  );
}
