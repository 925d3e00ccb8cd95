/* The scope: a clamp's voltage and current as they are, harmonics, clipping and noise in words. */
import { useEffect, useRef } from "preact/hooks";
import { useComputed, useSignal } from "@preact/signals";
import { fixed, hertz, isNumber, MISSING, percent, scaleEnd, smallAmps, text, volts, type Measure } from "./format";
import { zone } from "./live";
import { choices, chosen, clamp, CYCLES, cycles, frozen, inSight, scopeFailure, wave } from "./scope";
import { AMPS, ScopeChart, scopeCursor, scopeSpoken, VOLTS } from "./scopechart";
import { clipping, harmonics, nearest, noise, strongest, type Harmonic } from "./scopemath";
import { at } from "./time";
import { Tile } from "./value";
import type { Trace, Waveform } from "./api";

function Swatch({ look }: { look: { color: string; dash: number[] } }) {
  return (
    <svg class="swatch" viewBox="0 0 22 12" aria-hidden="true">
      <path d="M0 6H22" style={{ stroke: `var(${look.color})`, strokeDasharray: look.dash.join(" ") || "none" }} />
    </svg>
  );
}

function Controls() {
  return (
    <div class="controls">
      <label>
        <span class="sr">Clamp</span>
        <select value={clamp.value ?? ""} onChange={(e) => (chosen.value = e.currentTarget.value)}>
          {choices.value.map((c) => <option key={c.id} value={c.id}>{c.label}</option>)}
        </select>
      </label>
      <div class="choice" role="group" aria-label="Cycles shown">
        {CYCLES.map((n) => (
          <button
            type="button" key={n} aria-pressed={cycles.value === n} aria-label={n === 1 ? "1 cycle" : `${n} cycles`}
            disabled={frozen.value} onClick={() => (cycles.value = n)}
          >
            {n}
          </button>
        ))}
      </div>
      <button type="button" aria-pressed={frozen.value} onClick={() => (frozen.value = !frozen.value)}>
        {frozen.value ? "Resume" : "Freeze"}
      </button>
    </div>
  );
}

const valueAt = (w: Waveform, t: Trace | null, ms: number): number | null => {
  const n = t ? nearest(w, t, ms) : null;
  return n === null ? null : t!.values[n]!;
};

/* Values at the cursor; without one, RMS. */
function Legend({ w }: { w: Waveform }) {
  const ms = scopeCursor.value;
  const rows: [string, { color: string; dash: number[] }, Trace | null, (v: number) => Measure][] = [
    ["Voltage", VOLTS, w.voltage, volts], ["Current", AMPS, w.current, smallAmps],
  ];
  return (
    <ul class="legend">
      {rows.map(([name, look, t, as]) => {
        const v = ms === null ? t?.rms : valueAt(w, t, ms);
        return <li key={name}><Swatch look={look} />{name} <b>{isNumber(v) ? text(as(v)) : MISSING}</b>{ms === null ? " RMS" : ""}</li>;
      })}
      <li>{ms === null ? "" : `at ${fixed(ms, 2)} ms`}</li>
    </ul>
  );
}

/* What a screen reader hears when the arrow keys move the cursor. */
function Spoken() {
  const words = useComputed(() => {
    scopeSpoken.value;
    const w = wave.peek();
    const ms = scopeCursor.peek();
    if (!w || ms === null) return "";
    const v = valueAt(w, w.voltage, ms);
    const i = valueAt(w, w.current, ms);
    return `${fixed(ms, 2)} milliseconds, voltage ${isNumber(v) ? text(volts(v)) : "missing"}, current ${isNumber(i) ? text(smallAmps(i)) : "missing"}`;
  });
  return <p class="sr" aria-live="polite">{words.value}</p>;
}

function Facts({ w }: { w: Waveform }) {
  const degrees = w.current.harmonics?.angle_deg[0];
  const angle = isNumber(degrees) && isNumber(w.current.thd) && w.voltage ? degrees - (w.voltage.harmonics?.angle_deg[0] ?? 0) : null;
  return (
    <dl class="tiles">
      <Tile label="Voltage" v={w.voltage?.rms} as={volts} />
      <Tile label="Distortion" v={w.voltage?.thd} as={percent} note="of the voltage" />
      <Tile label="Frequency" v={w.frequency} as={hertz} />
      <Tile label="Current" v={w.current.rms} as={smallAmps} />
      <Tile label="Distortion" v={w.current.thd} as={percent} note="of the current" />
      <Tile label="Angle" v={angle} as={(v) => [fixed(v, 1), "°"]} note={isNumber(angle) ? (angle < 0 ? "current lags" : "current leads") : undefined} />
    </dl>
  );
}

function Words({ w }: { w: Waveform }) {
  const c = clipping(w);
  return (
    <p class="caption" id="c-scope">
      {c.clips ? <strong class="clips">{c.words}</strong> : c.words} {noise(w)}
      {w.voltage === null && " This clamp has no voltage reference."}
      {w.minus && ` The voltage is between ${w.voltage?.source} and ${w.minus}.`}
      {w.shift_deg !== 0 && ` The clamp sits on another phase, ${fixed(w.shift_deg, 0)}° behind the voltage shown.`}
      {w.frequency === null && " No mains voltage: cycles are 20 ms by time."}
    </p>
  );
}

const LABELLED = new Set([3, 5, 7, 9, 13, 17, 21, 25, 29, 33, 37]);

/* Orders 2 to 40 as shares of the fundamental. */
function Bars({ list }: { list: readonly Harmonic[] }) {
  const above = list.filter((h) => h.order > 1);
  const most = Math.max(1, ...above.map((h) => 100 * Math.max(h.voltsShare ?? 0, h.ampsShare ?? 0)));
  const end = scaleEnd(most);
  const height = (v: number | null) => ({ height: `${Math.min(100, (10000 * (v ?? 0)) / end)}%` });
  return (
    <div class="barbox">
      <span class="note" aria-hidden="true">{fixed(end, 0)} %</span>
      <div class="bars" role="img" aria-label={`Harmonics, of the fundamental. Voltage: ${strongest(list, "voltsShare")}. Current: ${strongest(list, "ampsShare")}.`}>
        {above.map((h) => (
          <span key={h.order}>
            <i class="v" style={height(h.voltsShare)} />
            <i class="a" style={height(h.ampsShare)} />
            <small>{LABELLED.has(h.order) ? h.order : ""}</small>
          </span>
        ))}
      </div>
    </div>
  );
}

function Table({ list }: { list: readonly Harmonic[] }) {
  const cell = (v: number | null, as: (v: number) => Measure) => <td>{isNumber(v) ? text(as(v)) : MISSING}</td>;
  const degrees = (v: number): Measure => [fixed(v, 0), "°"];
  return (
    <div class="tablebox" tabIndex={0} role="region" aria-label="Harmonics as a table">
      <table>
        <caption>RMS, share of the fundamental, and angle from the voltage's rise; a dash is missing</caption>
        <thead>
          <tr>
            <th scope="col">Order</th>
            <th scope="col">Voltage</th><th scope="col">Share</th><th scope="col">Angle</th>
            <th scope="col">Current</th><th scope="col">Share</th><th scope="col">Angle</th>
          </tr>
        </thead>
        <tbody>
          {list.map((h) => (
            <tr key={h.order}>
              <th scope="row">{h.order}</th>
              {cell(h.volts, (v) => [fixed(v, 2), "V"])}{cell(h.voltsShare, percent)}{cell(h.voltsDeg, degrees)}
              {cell(h.amps, (v) => [fixed(v, 3), "A"])}{cell(h.ampsShare, percent)}{cell(h.ampsDeg, degrees)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Harmonics({ w }: { w: Waveform }) {
  const table = useSignal(false);
  const list = harmonics(w);
  if (list.length === 0) return null;
  return (
    <>
      <h3>Harmonics <span class="aside">share of the fundamental</span></h3>
      <Bars list={list} />
      <button type="button" aria-expanded={table.value} onClick={() => (table.value = !table.value)}>
        {table.value ? "Hide harmonics" : "List harmonics"}
      </button>
      {table.value && <Table list={list} />}
    </>
  );
}

export function ScopeCard() {
  const card = useRef<HTMLElement>(null);
  const w = wave.value;
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => (inSight.value = seen[seen.length - 1]!.isIntersecting));
    watch.observe(card.current!);
    return () => {
      watch.disconnect();
      inSight.value = false;
    };
  }, []);
  const some = choices.value.length > 0;
  return (
    <section class="card scope" id="waveform" aria-labelledby="h-waveform" ref={card}>
      <div class="line">
        <h2 id="h-waveform">
          Waveform{" "}
          {w && (
            <span class="aside">
              {frozen.value ? `frozen at ${w.time === null ? "an unknown time" : at(w.time, zone.value, "clock")}` : "V left, A right, over ms"}
            </span>
          )}
        </h2>
        {some && <Controls />}
      </div>
      {!some && <p>No clamps are configured.</p>}
      {scopeFailure.value && !frozen.value && <p class="problem" role="status">{scopeFailure.value}</p>}
      {some && (
        <>
          {w && <Legend w={w} />}
          <ScopeChart height={innerWidth < 600 ? 220 : 280} label="Voltage and current over time" describedBy="c-scope" />
          {w ? <Words w={w} /> : <p class="caption" id="c-scope">No samples yet.</p>}
          <Spoken />
          {w && <Facts w={w} />}
          {w && <Harmonics w={w} />}
        </>
      )}
    </section>
  );
}
