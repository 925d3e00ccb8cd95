/* Calibration: what counts for each voltage and clamp, what was found before, and the form that finds more. */
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { back, busy, calibration, notTakenBack, unread, watchCalibration } from "./calibrate";
import { CalibrationForm } from "./calibrateform";
import { entryOf, gainText, methodDone, phaseText, sensorText } from "./calibmath";
import { isNumber } from "./format";
import { zone } from "./live";
import { at } from "./time";
import { NoChanges } from "./value";
import type { Calibrated, Calibration, Input } from "./api";

function Counts({ name, value, by }: { name: string; value: string; by: Calibrated | null }) {
  return (
    <p>
      {name} <b>{value}</b>
      {by && <span class="note">{` by ${methodDone(by.method)}, ${at(by.time, zone.value, "dated")}`}</span>}
    </p>
  );
}

function InputItem({ c, i }: { c: Calibration; i: Input }) {
  const gain = entryOf(c, i.gain_number);
  const phase = entryOf(c, i.phase_number);
  return (
    <li data-input={i.id}>
      <p class="line"><span class="name">{i.label || i.id}</span><span class="note">{i.kind}</span></p>
      {gain && <Counts name="Gain" value={gainText(i.gain, i.gain_pct)} by={gain} />}
      {phase && <Counts name="Phase" value={phaseText(i.phase_deg, i.phase_half_deg)} by={phase} />}
      <p class="note">{`${gain && phase ? "Sensor" : gain ? "Phase nominal" : phase ? "Gain nominal" : "Nominal"}: ${sensorText(i)}`}</p>
    </li>
  );
}

const found = (e: Calibrated) => [
  isNumber(e.gain) ? `gain ${gainText(e.gain, e.gain_pct)}` : "", isNumber(e.phase_deg) ? `phase ${phaseText(e.phase_deg, e.phase_half_deg)}` : "",
].filter(Boolean).join(", ");

const fate = (e: Calibrated) =>
  isNumber(e.taken_back) ? `taken back ${at(e.taken_back, zone.value, "dated")}` : e.counts ? "counts now" : "replaced by a later value";

/* Two clicks: a value that was taken back would have to be found again. */
function TakeBack({ e, name, done }: { e: Calibrated; name: string; done: () => void }) {
  const asking = useSignal(false);
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asking.value) yes.current?.focus();
  }, [asking.value]);
  if (!asking.value) {
    return <button type="button" disabled={busy.value !== null} aria-label={`Take back number ${e.number}, ${name}`} onClick={() => (asking.value = true)}>Take back</button>;
  }
  return (
    <div class="actions" role="group" aria-label={`Take back number ${e.number}, ${name}`}>
      <p class="note">{isNumber(e.since) ? "Records that were corrected for it are corrected back." : "Records since then are corrected back."}</p>
      <button ref={yes} type="button" disabled={busy.value !== null} onClick={() => void back(e.number!).then(done)}>Yes, take back</button>
      <button type="button" onClick={() => (asking.value = false)}>No</button>
    </div>
  );
}

function PastItem({ c, e, done }: { c: Calibration; e: Calibrated; done: () => void }) {
  const name = c.inputs.find((i) => i.id === e.input)?.label || e.input;
  const facts = [`By ${methodDone(e.method)}, ${at(e.time, zone.value, "dated")}`, fate(e), isNumber(e.since) ? `records corrected since ${at(e.since, zone.value, "dated")}` : ""];
  return (
    <li data-number={e.number} class={isNumber(e.taken_back) ? "gone" : ""}>
      <div class="line">
        <p><span class="name">{`${e.number}. ${name}`}</span>: {found(e)}</p>
        {c.changes && !isNumber(e.taken_back) && <TakeBack e={e} name={name} done={done} />}
      </div>
      <p class="note">{facts.filter(Boolean).join("; ")}</p>
      {e.note && <p class="note">{e.note}</p>}
    </li>
  );
}

const NEWEST = 5;

function Past({ c }: { c: Calibration }) {
  const head = useRef<HTMLHeadingElement>(null);
  const items = [...c.history].reverse().map((e) => <PastItem key={e.number} c={c} e={e} done={() => head.current?.focus()} />);
  if (items.length === 0) return null;
  return (
    <>
      <h3 ref={head} tabIndex={-1}>History</h3>
      {notTakenBack.value && <p class="problem" role="alert">{notTakenBack.value}</p>}
      <ul class="past">{items.slice(0, NEWEST)}</ul>
      {items.length > NEWEST && (
        <details>
          <summary>{`Older, ${items.length - NEWEST}`}</summary>
          <ul class="past">{items.slice(NEWEST)}</ul>
        </details>
      )}
    </>
  );
}

function Guide() {
  return (
    <details>
      <summary>What first?</summary>
      <ol class="guide">
        <li>The voltage, by a reading: it is in the power of every clamp.</li>
        <li>The phase of each clamp, by a kettle or heater where one can be had.</li>
        <li>The gain of each clamp: by a meter, by a reading, or as part of a main clamp that was calibrated.</li>
      </ol>
    </details>
  );
}

export function CalibrationCard() {
  useEffect(watchCalibration, []);
  const c = calibration.value;
  if (!c) return unread.value ? <section class="card calibration" id="calibration"><h2>Calibration</h2><p class="problem">{unread.value}</p></section> : null;
  if (c.inputs.length === 0) return null; // nothing here takes samples
  return (
    <section class="card calibration" id="calibration" aria-labelledby="h-calibration">
      <h2 id="h-calibration">Calibration</h2>
      {unread.value && <p class="problem">{unread.value}</p>}
      <div class="halves">
        <div>
          {c.changes ? <CalibrationForm c={c} /> : <NoChanges what="to calibrate" />}
          {c.changes && <Guide />}
        </div>
        <div>
          <h3>What counts now</h3>
          <ul class="inputs">{c.inputs.map((i) => <InputItem key={i.id} c={c} i={i} />)}</ul>
          <Past c={c} />
        </div>
      </div>
    </section>
  );
}
