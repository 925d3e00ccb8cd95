/* What happened: the device's journal, newest first; new entries come by the event stream. */
import { signal } from "@preact/signals";
import { getJournal, type Entry } from "./api";
import { live, zone } from "./live";
import { at } from "./time";
import { isNumber } from "./format";

const FEW = 8;
const MANY = 200;

/* Kinds in the words of a person; one that is not here is shown as it is. */
const WORDS: Record<string, string> = {
  register_swap: "Meter exchanged",
  register_reset: "Register reset",
  register_rollover: "Register turned over",
  register_first: "Counter begins",
  meter_found: "Meter found",
  meter_exchanged: "Meter exchanged",
  source_added: "Source added",
  source_removed: "Source removed",
  started: "Started",
  stopped: "Stopped",
  clock_step: "Clock set",
  log_damaged: "Log damaged",
  log_failed: "Log failed",
  log_restored: "Log works again",
  journal_repaired: "Journal mended",
  journal_damaged: "Journal damaged",
};

const entries = signal<Entry[]>([]);
const failure = signal("");
const all = signal(false);

/* An entry of the event stream. */
export function addEntry(e: Entry) {
  if (!entries.value.some((known) => known.seq === e.seq)) entries.value = [e, ...entries.value].slice(0, MANY);
}

/* The list, at the start and when the stream was away. */
export async function loadJournal() {
  try {
    entries.value = await getJournal(MANY);
    failure.value = "";
  } catch (error) {
    failure.value = error instanceof Error ? error.message : String(error);
  }
}

function EntryItem({ e }: { e: Entry }) {
  const label = live.value?.sources.find((s) => s.id === (e.feed ?? e.source))?.label;
  return (
    <li data-kind={e.kind}>
      <div class="line">
        <span class="name">{WORDS[e.kind] ?? e.kind} {e.source && <span class="note">{label || e.source}</span>}</span>
        <span class="note">{isNumber(e.time) ? at(e.time, zone.value, "full") : "time unknown"}</span>
      </div>
      <p class="said">{e.text}</p>
    </li>
  );
}

export function Journal() {
  const list = all.value ? entries.value : entries.value.slice(0, FEW);
  return (
    <>
      <h3 id="h-journal">Journal</h3>
      {failure.value && <p class="why">The journal cannot be shown: {failure.value}</p>}
      {!failure.value && list.length === 0 && <p class="foot">Nothing has happened yet.</p>}
      <ul class="sources journal" aria-labelledby="h-journal">
        {list.map((e) => <EntryItem key={e.seq} e={e} />)}
      </ul>
      {entries.value.length > FEW && (
        <button type="button" class="more" aria-expanded={all.value} onClick={() => { all.value = !all.value; }}>
          {all.value ? "Fewer" : `All ${entries.value.length}`}
        </button>
      )}
    </>
  );
}
