/* The form of the calibration: how, of what, against what; what would be found; then it can be applied. */
import { useRef } from "preact/hooks";
import { apply, attempt, busy, form, input, refused, set, shown, type Outcome } from "./calibrate";
import { changeText, gainText, inputsFor, METHODS, metersFor, phaseText, shifts, step, withinDoubt } from "./calibmath";
import { amps, fixed, isNumber, text, volts, watts } from "./format";
import { live, zone } from "./live";
import { wall, zoneName } from "./time";
import type { Calibrated, Calibration, Input } from "./api";

function Field({ label, note, children }: { label: string; note?: string | undefined; children: preact.ComponentChildren }) {
  return (
    <label class="field">
      <span>{label}{note && <span class="note"> {note}</span>}</span>
      {children}
    </label>
  );
}

type NumberField = "value" | "percent" | "degrees" | "average";

/* What is out of range is for the device to say: a browser cannot point at a field that is folded away. */
function NumberBox({ name, label, note, required = false }: { name: NumberField; label: string; note?: string; required?: boolean }) {
  return (
    <Field label={label} note={note}>
      <input type="number" inputMode="decimal" required={required} step="any" autocomplete="off" value={form.value[name]} onInput={(e) => set({ [name]: e.currentTarget.value })} />
    </Field>
  );
}

function TimeBox({ name, label, note }: { name: "from" | "since"; label: string; note: string }) {
  const now = live.value?.time;
  return (
    <Field label={label} note={note}>
      <input type="datetime-local" {...(now ? { max: wall(now, zone.value) } : {})} value={form.value[name]} onInput={(e) => set({ [name]: e.currentTarget.value })} />
    </Field>
  );
}

function Methods() {
  return (
    <fieldset>
      <legend>Against what?</legend>
      {METHODS.map((m) => (
        <label class="box" key={m.id}>
          <input type="radio" name="method" value={m.id} checked={form.value.method === m.id} onChange={() => set({ method: m.id })} />
          <span>{m.name} <span class="note">finds {m.finds}</span></span>
        </label>
      ))}
    </fieldset>
  );
}

/* What is read here now: the instrument beside it should show about the same. */
function ReadNow({ i }: { i: Input }) {
  const v = (quantity: string) => live.value?.channels.find((c) => c.source === i.id && c.quantity === quantity)?.value;
  const [volt, amp, watt, pf] = [v("voltage"), v("current"), v("power"), v("power_factor")];
  const parts = [isNumber(volt) ? text(volts(volt)) : "", isNumber(amp) ? text(amps(amp)) : "", isNumber(watt) ? text(watts(watt)) : "", isNumber(pf) ? `power factor ${fixed(pf, 2)}` : ""].filter(Boolean);
  return <p class="note">{parts.length > 0 ? `Read here now: ${parts.join(", ")}.` : "Nothing is read here now."}</p>;
}

const NAMES = { reading: "Voltage or clamp", resistive: "Clamp the load is on", meter: "Clamp", sum: "Main clamp" };

function InputBox({ all, i }: { all: Input[]; i: Input }) {
  return (
    <Field label={NAMES[form.value.method]}>
      <select value={i.id} onChange={(e) => set({ input: e.currentTarget.value })}>
        {inputsFor(all, form.value.method).map((x) => <option key={x.id} value={x.id}>{x.label || x.id}</option>)}
      </select>
    </Field>
  );
}

function Reading({ i }: { i: Input }) {
  const unit = i.kind === "voltage" ? "V" : form.value.quantity === "power" ? "W" : "A";
  return (
    <>
      {i.kind === "clamp" && (
        <Field label="The instrument shows">
          <select value={form.value.quantity} onChange={(e) => set({ quantity: e.currentTarget.value as "current" | "power" })}>
            <option value="current">amperes</option>
            <option value="power">watts</option>
          </select>
        </Field>
      )}
      <NumberBox name="value" label={`It shows, in ${unit}`} required />
      <NumberBox name="percent" label={"The instrument is good for, \u00b1 %"} />
    </>
  );
}

function Meter({ all, i }: { all: Input[]; i: Input }) {
  const { meters, clamps } = live.value ? metersFor(live.value, all, i.id) : { meters: [], clamps: [] };
  const options = (list: { id: string; label: string }[]) => list.map((m) => <option key={m.id} value={m.id}>{m.label === m.id ? m.id : `${m.label} (${m.id})`}</option>);
  return (
    <>
      <Field label="Meter on the same circuit">
        <select required value={form.value.meter} onChange={(e) => set({ meter: e.currentTarget.value })}>
          <option value="">Choose</option>
          {meters.length > 0 && <optgroup label="Meters">{options(meters)}</optgroup>}
          {clamps.length > 0 && <optgroup label="Other clamps">{options(clamps)}</optgroup>}
        </select>
      </Field>
      <NumberBox name="percent" label={"The meter is good for, \u00b1 %"} />
    </>
  );
}

function Circuit({ c }: { c: Input }) {
  const { circuits } = form.value;
  const part = circuits[c.id];
  const name = c.label || c.id;
  const change = (to: "uses" | "feeds" | null) => {
    const { [c.id]: _, ...others } = circuits;
    set({ circuits: to ? { ...others, [c.id]: to } : others });
  };
  return (
    <li>
      <label class="box"><input type="checkbox" checked={part !== undefined} onChange={() => change(part ? null : "uses")} /><span>{name}</span></label>
      {part && (
        <label class="box">
          <input type="checkbox" checked={part === "feeds"} aria-label={`${name} feeds in`} onChange={() => change(part === "feeds" ? "uses" : "feeds")} />
          <span class="note">feeds in</span>
        </label>
      )}
    </li>
  );
}

function Circuits({ all, i }: { all: Input[]; i: Input }) {
  const others = all.filter((c) => c.kind === "clamp" && c.id !== i.id);
  return (
    <>
      <fieldset>
        <legend>Circuits behind it <span class="note">not those that are part of another</span></legend>
        <ul class="pickcircuits">{others.map((c) => <Circuit key={c.id} c={c} />)}</ul>
        <button type="button" onClick={() => set({ circuits: { ...Object.fromEntries(others.map((c) => [c.id, "uses" as const])), ...form.value.circuits } })}>Choose all</button>
      </fieldset>
      <NumberBox name="percent" label={"The main clamp is good for, \u00b1 %"} />
    </>
  );
}

/* Only of the methods that look at what is measured now. */
function More() {
  return (
    <details>
      <summary>More</summary>
      {form.value.method === "resistive" && <NumberBox name="degrees" label={"The load\u2019s angle may be, \u00b1 degrees"} note="0.1 of a kettle and its cable" />}
      <NumberBox name="average" label="Mean of the last seconds" note="1 to 60" />
    </details>
  );
}

function Found({ e, before, kept }: { e: Calibrated; before: Input[]; kept: boolean }) {
  const i = before.find((x) => x.id === e.input);
  if (!i) return null;
  const change = step(i, e);
  const was = (value: string, number: number | null) => <span class="note">{`, before ${value}${number === null ? ", nominal" : ""}`}</span>;
  return (
    <li>
      <p class="name">{i.label || i.id}</p>
      {isNumber(e.gain) && <p>Gain <b>{gainText(e.gain, e.gain_pct)}</b>{was(gainText(i.gain, i.gain_pct), i.gain_number)}</p>}
      {isNumber(e.phase_deg) && <p>Phase <b>{phaseText(e.phase_deg, e.phase_half_deg)}</b>{was(phaseText(i.phase_deg, i.phase_half_deg), i.phase_number)}</p>}
      {isNumber(e.gain) && <p>{kept ? "What is read changed by " : "What is read changes by "}<b>{changeText(change.k)}</b>.</p>}
      {!kept && live.value && shifts(live.value, i, e).map((s) => <p key={s.what}>{`Now the ${s.what} is ${s.from}; it would be `}<b>{s.to}</b>.</p>)}
      {!kept && i.kind === "voltage" && <p class="note">The power of its clamps changes as much, except where that was calibrated by power.</p>}
      {!kept && withinDoubt(i, e) && <p class="why">The change is within its uncertainty: as far as this can tell, the value before was right.</p>}
      {e.note && <p class="note">{e.note}</p>}
    </li>
  );
}

function Applied({ o }: { o: Outcome }) {
  const n = o.answer.corrections;
  return <p>{`It counts from now on${isNumber(n) ? `, and records of the past are corrected (${n} correction${n === 1 ? "" : "s"})` : ""}. The history below can take it back.`}</p>;
}

/* What the two sides of a comparison differ by at any load. */
function Offset({ o }: { o: Outcome }) {
  const { log, calibrations } = o.answer;
  if (!log || !isNumber(log.offset_w)) return null;
  const [one, other] = calibrations[0]?.method === "sum" ? ["main clamp", "circuits"] : ["meter", "clamp"];
  const w = `${fixed(Math.abs(log.offset_w), 1)}\u00a0W \u00b1\u00a0${fixed(log.offset_half_w ?? 0, 1)}\u00a0W`;
  return <p class="note">{`Besides, the ${one} read ${w} ${log.offset_w < 0 ? "less" : "more"} than the ${other}, at any load.`}</p>;
}

function Result({ o }: { o: Outcome }) {
  const head = useRef<HTMLHeadingElement>(null);
  const { kept, calibrations, log } = o.answer;
  const since = form.value.since;
  return (
    <div class="result" role="status">
      <h3 ref={head} tabIndex={-1}>{kept ? "Applied" : "This would be found"}</h3>
      <ul>{calibrations.map((e) => <Found key={e.input} e={e} before={o.before} kept={kept} />)}</ul>
      <Offset o={o} />
      {log && log.left_out > 0 && <p class="note">{`Left out because they did not fit: ${log.left_out} of ${log.blocks} stretches.`}</p>}
      {kept ? <Applied o={o} /> : (
        <div class="actions">
          <button type="button" class="main" disabled={busy.value !== null} onClick={() => void apply().then(() => head.current?.focus())}>
            {busy.value === "apply" ? "Applying\u2026" : since ? "Apply, and correct the past" : "Apply"}
          </button>
        </div>
      )}
    </div>
  );
}

export function CalibrationForm({ c }: { c: Calibration }) {
  const i = input.value;
  if (!i) return null;
  const { method, circuits } = form.value;
  const how = METHODS.find((m) => m.id === method)!.how;
  const none = method === "sum" && !c.inputs.some((x) => x.id !== i.id && circuits[x.id]);
  const near = method === "reading" || method === "resistive";
  const zoned = zoneName(live.value?.time ?? Date.now(), zone.value);
  return (
    <>
      <form onSubmit={(e) => { e.preventDefault(); void attempt(); }} aria-label="Calibrate">
        <Methods />
        <p class="how">{how}</p>
        <InputBox all={c.inputs} i={i} />
        <ReadNow i={i} />
        {method === "reading" && <Reading i={i} />}
        {method === "meter" && <Meter all={c.inputs} i={i} />}
        {method === "sum" && <Circuits all={c.inputs} i={i} />}
        {!near && <TimeBox name="from" label="From records since" note={`${zoned}; empty: the last week`} />}
        <TimeBox name="since" label="Correct what was recorded since" note={`${zoned}; empty: leave the past as it is`} />
        {near && <More />}
        <div class="actions">
          <button type="submit" disabled={busy.value !== null || none}>{busy.value === "try" ? "Looking\u2026" : "Try"}</button>
          <span class="note">Changes nothing yet.</span>
        </div>
      </form>
      {refused.value && <p class="problem" role="alert">{refused.value}</p>}
      {shown.value && <Result o={shown.value} />}
    </>
  );
}

