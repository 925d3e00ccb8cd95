/* Where the numbers come from and how that goes: sources, the log, publishers. */
import { count, fixed, isNumber, MISSING, span } from "./format";
import { Journal } from "./journal";
import { live, zone } from "./live";
import { at } from "./time";
import type { Live, LogState, Publisher, Source, State } from "./api";

function Light({ state }: { state: State }) {
  return (
    <span class={`light ${state}`}>
      <span class="dot" aria-hidden="true" />
      {state}
    </span>
  );
}

function Since({ now, ms }: { now: Live; ms: number | null }) {
  if (!isNumber(ms)) return null;
  return <span class="note">{`since ${at(ms, zone.value, "full")} (${span(now.time - ms)})`}</span>;
}

function SourceItem({ now, s }: { now: Live; s: Source }) {
  const counters = Object.entries(s.counters ?? {}).filter(([, n]) => n > 0); // what never happened is no news
  return (
    <li data-source={s.id}>
      <div class="line">
        <span class="name">{s.label || s.id} <span class="note">{s.meter ? `${s.type} \u00b7 ${s.meter}` : s.type}</span></span>
        <Light state={s.state} />
      </div>
      {s.cause && <p class="why">{s.cause}</p>}
      <p>
        <Since now={now} ms={s.since} />
        <span class="note">{isNumber(s.since) && " \u00b7 "}{isNumber(s.last) ? `last reading ${span(now.time - s.last)} ago` : "no reading yet"}</span>
      </p>
      {counters.length > 0 && (
        <ul class="counters">
          {counters.map(([name, n]) => <li key={name}>{name} <b>{count(n)}</b></li>)}
        </ul>
      )}
    </li>
  );
}

function LogItem({ log }: { log: LogState }) {
  const { measured_s: measured, gap_s: gap } = log;
  const share = isNumber(measured) && isNumber(gap) && measured + gap > 0 ? (100 * measured) / (measured + gap) : null;
  const seconds = (s: number | null) => (isNumber(s) ? span(s * 1000) : MISSING);
  return (
    <li>
      <div class="line"><span class="name">Log</span><Light state={log.state} /></div>
      {log.cause && <p class="why">{log.cause}</p>}
      <ul class="counters">
        <li>records stored <b>{count(log.durable)}</b></li>
        <li class={isNumber(log.lost) && log.lost > 0 ? "bad" : ""}>lost <b>{count(log.lost)}</b></li>
        <li>measured <b>{seconds(measured)}</b></li>
        <li>gap <b>{seconds(gap)}</b></li>
        {isNumber(share) && <li>coverage <b>{fixed(Math.floor(100 * share) / 100, 2)} %</b></li>}
      </ul>
    </li>
  );
}

function PublisherItem({ now, p }: { now: Live; p: Publisher }) {
  return (
    <li>
      <div class="line"><span class="name">{p.id} <span class="note">publisher</span></span><Light state={p.state} /></div>
      {p.cause && <p class="why">{p.cause}</p>}
      <ul class="counters">
        <li>waiting <b>{count(p.backlog)}</b></li>
        <li>last upload <b>{isNumber(p.last_ok) ? `${span(now.time - p.last_ok)} ago` : "never"}</b></li>
      </ul>
    </li>
  );
}

/* One line above everything when something is wrong: state in words, not by colour. */
export function Alarm() {
  const now = live.value;
  if (!now) return null;
  const bad = now.sources.filter((s) => s.state === "stale" || s.state === "failed");
  const words = bad.map((s) => `${s.label || s.id} is ${s.state}${s.cause ? `: ${s.cause}` : ""}`);
  if (now.log && now.log.state !== "ok" && now.log.state !== "starting") {
    words.push(`The log is ${now.log.state}${now.log.cause ? `: ${now.log.cause}` : ""}`);
  }
  if (words.length === 0) return null;
  return (
    <div class="alarm" role="alert">
      {words.map((w) => <p key={w}>{w}</p>)}
      <a href="#health">Sources and health</a>
    </div>
  );
}

export function HealthCard() {
  const now = live.value;
  if (!now) return null;
  const refused = Object.entries(now.refused ?? {}).filter(([, n]) => n > 0);
  return (
    <section class="card health" id="health" aria-labelledby="h-health">
      <h2 id="h-health">Sources and health</h2>
      <ul class="sources">
        {now.sources.map((s) => <SourceItem key={s.id} now={now} s={s} />)}
        {now.log && <LogItem log={now.log} />}
        {now.publishers.map((p) => <PublisherItem key={p.id} now={now} p={p} />)}
      </ul>
      <Journal />
      {refused.length > 0 && (
        <p class="foot">Requests refused: {refused.map(([why, n]) => `${n} for a foreign ${why}`).join(", ")}</p>
      )}
      <p class="foot">heatwatt {now.version}, installation {now.uuid}</p>
    </section>
  );
}
