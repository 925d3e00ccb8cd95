/* The trend section: range, two charts with text legends, a caption each, and the same as a table. */
import { useComputed, useSignal } from "@preact/signals";
import { Chart, cursor, spoken, type Line } from "./chart";
import { copOf, coverage, gaps, rows, summary } from "./buckets";
import { celsius, fixed, isNumber, MISSING, ratio, span, text, watts, type Measure } from "./format";
import { Badge } from "./header";
import { live, old, zone } from "./live";
import { at } from "./time";
import { busy, csvOf, failure, grid, load, origin, range, RANGES, tick, type Shown } from "./trend";
import type { HeatPump, Provenance } from "./api";

const POWER: readonly Line[] = [
  { key: "elec", label: "Electricity", color: "--elec", dash: [7, 3], fill: true },
  { key: "heat", label: "Heat", color: "--heat", dash: [], fill: true },
  { key: "heat_low", label: "Heat drawn, deepest", color: "--cold", dash: [], fill: true, below: true },
];
const TEMPS: readonly Line[] = [
  { key: "flow_t", label: "Flow", color: "--flow", dash: [] },
  { key: "return_t", label: "Return", color: "--return", dash: [8, 3] },
  { key: "outside_t", label: "Outside", color: "--outside", dash: [2, 3] },
];
const NOW: Record<string, keyof HeatPump> = {
  heat: "heat_power", elec: "elec_power", flow_t: "flow_t", return_t: "return_t", outside_t: "outside_t",
};

function valueOf(g: Shown, key: string): number | null {
  const i = cursor.value;
  if (i !== null) return g.columns[key]?.[i] ?? null;
  const field = NOW[key];
  const v = field && live.value?.heatpump?.[field];
  return isNumber(v) ? v : null;
}

function Swatch({ line }: { line: Line }) {
  const y = 6;
  return (
    <svg class="swatch" viewBox="0 0 22 12" aria-hidden="true">
      {line.below
        ? <rect y="1" width="22" height="10" style={{ fill: `var(${line.color})`, opacity: 0.4 }} />
        : <path d={`M0 ${y}H22`} style={{ stroke: `var(${line.color})`, strokeDasharray: line.dash.join(" ") || "none" }} />}
    </svg>
  );
}

/* Names and values beside the lines: at the cursor, or now. */
function Legend({ lines, as }: { lines: readonly Line[]; as: (v: number) => Measure }) {
  const g = grid.value;
  tick.value;
  if (!g) return null;
  return (
    <ul class="legend">
      {lines.map((line) => {
        const v = valueOf(g, line.key);
        if (line.below) return <li key={line.key}><Swatch line={line} />{line.label}</li>;
        return (
          <li key={line.key}><Swatch line={line} />{line.label} <b>{isNumber(v) ? text(as(v)) : MISSING}</b></li>
        );
      })}
    </ul>
  );
}

function instant(g: Shown): string {
  const i = cursor.value;
  if (i === null) return old.value ? "last known" : "now";
  const from = g.time[i];
  if (from === undefined) return "";
  const until = from + g.step;
  return `${at(from, zone.value, g.range.ms > 86_400_000 ? "full" : "minute")}\u2013${at(until, zone.value, "minute")}`;
}

function When() {
  const g = grid.value;
  return g && <p class="when"><span class="note">Values </span>{instant(g)}</p>;
}

/* What a screen reader hears when the arrow keys move the cursor. */
function Spoken() {
  const g = grid.value;
  const words = useComputed(() => {
    spoken.value;
    const now = grid.peek();
    if (!now || cursor.peek() === null) return "";
    const read = (line: Line, as: (v: number) => Measure) => {
      const v = now.columns[line.key]?.[cursor.peek()!];
      return `${line.label} ${isNumber(v) ? text(as(v)) : "missing"}`;
    };
    return [
      instant(now),
      ...POWER.filter((l) => !l.below).map((l) => read(l, watts)),
      ...TEMPS.map((l) => read(l, celsius)),
    ].join(", ");
  });
  return <p class="sr" aria-live="polite">{g ? words.value : ""}</p>;
}

function sentence(g: Shown, lines: readonly Line[], as: (v: number) => Measure): string {
  const parts = lines.filter((l) => !l.below).map((l) => {
    const s = summary(g.columns[l.key] ?? []);
    if (!s) return `no ${l.label.toLowerCase()} recorded`;
    return `${l.label.toLowerCase()} ${text(as(s.min))} to ${text(as(s.max))}, mean ${text(as(s.mean))}`;
  });
  return `${parts.join("; ")}.`;
}

function holes(g: Shown, lines: readonly Line[]): string {
  const columns = lines.map((l) => g.columns[l.key] ?? []);
  const found = gaps(columns);
  if (found.length === 0) return "";
  const ms = found.reduce((sum, [a, b]) => sum + (b - a + 1) * g.step, 0);
  return ` ${found.length === 1 ? "One gap" : `${found.length} gaps`}, ${span(ms)} without data.`;
}

function Caption({ id, lines, as }: { id: string; lines: readonly Line[]; as: (v: number) => Measure }) {
  const g = grid.value;
  if (!g) return <p class="caption" id={id}>No data yet.</p>;
  const text = sentence(g, lines, as);
  return (
    <p class="caption" id={id}>
      Last {g.range.spoken}: {text}{holes(g, lines)}
    </p>
  );
}

const KINDS: Provenance[] = ["simulated", "imported"];

/* Says which part of the range does not come from this device's own meters. */
function Origin() {
  const g = grid.value;
  if (!g) return null;
  const spans = origin.value.filter((o) => o.provenance !== "measured" && o.to > g.from && o.from < g.to);
  return (
    <>
      {KINDS.map((kind) => {
        const some = spans.filter((s) => s.provenance === kind);
        if (some.length === 0) return null;
        const from = Math.max(g.from, Math.min(...some.map((s) => s.from)));
        const to = Math.min(g.to, Math.max(...some.map((s) => s.to)));
        const whole = from <= g.from && to >= g.to - g.step;
        const z = zone.value;
        return (
          <p class="origin" key={kind}>
            <Badge provenance={kind} />
            {whole ? " the whole range" : ` ${at(from, z, "full")} to ${at(to, z, "full")}`}
          </p>
        );
      })}
    </>
  );
}

function Ranges() {
  return (
    <div class="ranges" role="group" aria-label="Range of the charts">
      {RANGES.map((r, i) => (
        <button
          type="button" key={r.key} aria-pressed={range.value === r} aria-label={`${r.key}, the last ${r.spoken}`}
          aria-keyshortcuts={`${i + 1}`} onClick={() => (range.value = r)}
        >
          {r.key}
        </button>
      ))}
    </div>
  );
}

function Table({ g }: { g: Shown }) {
  const z = zone.value;
  const day = 86_400_000;
  const per = g.range.ms <= day ? "hour" : "day";
  const label = (ms: number) =>
    per === "hour" ? `${at(ms, z, "daytime").replace(/:\d\d$/, "")}:00` : at(ms, z, "date");
  const lines = [...POWER.filter((l) => !l.below), ...TEMPS];
  return (
    <div class="tablebox" tabIndex={0} role="region" aria-label="Means as a table">
      <table>
        <caption>Means per {per}; a dash is missing</caption>
        <thead>
          <tr>
            <th scope="col">{per === "hour" ? "Hour from" : "Day"}</th>
            {lines.map((l) => <th scope="col" key={l.key}>{l.label}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows(g, label).reverse().map((row) => (
            <tr key={row.label}>
              <th scope="row">{row.label}</th>
              {lines.map((l) => {
                const v = row.values[l.key];
                const as = POWER.includes(l) ? watts : celsius;
                return <td key={l.key}>{isNumber(v) ? text(as(v)) : MISSING}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Facts() {
  const g = grid.value;
  if (!g) return null;
  const elec = g.columns["elec"] ?? [];
  const heat = g.columns["heat"] ?? [];
  const cop = copOf(elec, heat);
  if (cop === null) return null;
  const share = coverage([elec.map((v, i) => (isNumber(v) && isNumber(heat[i]) ? v : null))]);
  return (
    <p class="facts">
      <span class="note">COP of the range </span><b>{text(ratio(cop))}</b>
      <span class="note"> from {fixed(Math.floor(1000 * share) / 10, share < 1 ? 1 : 0)} % of it</span>
    </p>
  );
}

export function TrendCard() {
  const table = useSignal(false);
  const g = grid.value;
  const height = innerWidth < 600 ? 200 : 230;
  return (
    <section
      class="card trend" id="trend" aria-labelledby="h-trend" aria-busy={busy.value}
      onKeyDown={(e) => {
        const r = RANGES[Number(e.key) - 1];
        if (r && !e.ctrlKey && !e.metaKey && !e.altKey) range.value = r;
      }}
    >
      <div class="line">
        <h2 id="h-trend">Trend</h2>
        <Ranges />
      </div>
      <div class="line small"><When /><Facts /></div>
      <Origin />
      {failure.value && (
        <p class="problem" role="alert">
          The history could not be read: {failure.value}.{" "}
          <button type="button" onClick={() => void load()}>Try again</button>
        </p>
      )}
      <h3>Power <span class="aside">kW</span></h3>
      <Legend lines={POWER} as={watts} />
      <Chart
        lines={POWER} zone={zone.value} height={height} zero label="Electricity and heat power" describedBy="c-power"
        scale={(v) => fixed(v / 1000, Math.abs(v % 1000) > 1 ? 1 : 0)}
      />
      <Caption id="c-power" lines={POWER} as={watts} />
      <h3>Temperature <span class="aside">°C</span></h3>
      <Legend lines={TEMPS} as={celsius} />
      <Chart
        lines={TEMPS} zone={zone.value} height={height - 30} label="Flow, return and outside temperature" describedBy="c-temps"
        scale={(v) => fixed(v, v % 1 === 0 ? 0 : 1)}
      />
      <Caption id="c-temps" lines={TEMPS} as={celsius} />
      <Spoken />
      <div class="line below">
        <button type="button" aria-expanded={table.value} onClick={() => (table.value = !table.value)}>
          {table.value ? "Hide table" : "Show table"}
        </button>
        {g && g.ids.length > 0 && <a class="button" href={csvOf(g)} download>Download CSV</a>}
        <span class="note">In a chart: arrow keys move the cursor, 1 2 3 choose the range</span>
      </div>
      {table.value && g && <Table g={g} />}
    </section>
  );
}
