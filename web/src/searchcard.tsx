/* Find meters: the ports to search, the search under way, what it found, and the click that adds it. */
import { useEffect, useState } from "preact/hooks";
import { fixed, isNumber, MISSING } from "./format";
import { add, added, begin, end, look, mayChange, ports, PROTOCOLS, scan, trouble } from "./search";
import { NoChanges } from "./value";
import type { Found, Port, Scan } from "./api";

const protocolName = (id: string) => PROTOCOLS.find(([p]) => p === id)?.[1] ?? id;

/* A set of names, each in it or not, and the box that changes it. */
function Box({ name, set, change, children }: { name: string; set: readonly string[]; change: (to: string[]) => void; children: preact.ComponentChildren }) {
  const on = set.includes(name);
  return (
    <label class="box">
      <input type="checkbox" checked={on} onChange={() => change(on ? set.filter((x) => x !== name) : [...set, name])} />
      <span>{children}</span>
    </label>
  );
}

function PortName({ p }: { p: Port }) {
  const more = [p.device && p.device !== p.port ? p.device : "", p.used_by.length > 0 ? `in use: ${p.used_by.join(", ")}` : ""].filter(Boolean);
  return <>{p.port}{more.length > 0 && <span class="note"> {more.join("; ")}</span>}</>;
}

function Asking({ list }: { list: Port[] }) {
  const [where, setWhere] = useState<string[]>([]);
  const [how, setHow] = useState<string[]>([]);
  const [host, setHost] = useState("");
  const network = host.trim();
  const all = [...where, ...(network ? [network] : [])];
  return (
    <form onSubmit={(e) => { e.preventDefault(); void begin(all, how); }}>
      <fieldset>
        <legend>Ports</legend>
        {list.length === 0 && <p class="note">No port was found. Plug the adapter in, then look again.</p>}
        {list.filter((p) => p.scannable).map((p) => (
          <Box key={p.port} name={p.port} set={where} change={setWhere}><PortName p={p} /></Box>
        ))}
        <label class="field">
          <span>In the network</span>
          <input type="text" value={host} placeholder="host:port" autocomplete="off" spellcheck={false} onInput={(e) => setHost(e.currentTarget.value)} />
        </label>
      </fieldset>
      <details>
        <summary>Only some protocols</summary>
        <div class="boxes">
          {PROTOCOLS.map(([id, name]) => <Box key={id} name={id} set={how} change={setHow}>{name}</Box>)}
        </div>
      </details>
      <p class="note">A search reads and changes nothing. Meters on a searched port that is in use are not read meanwhile.</p>
      <div class="actions">
        <button type="submit" disabled={all.length === 0}>Search</button>
        <button type="button" onClick={() => void look()}>Look for ports again</button>
      </div>
    </form>
  );
}

function Running({ s }: { s: Scan }) {
  const part = s.progress?.fraction;
  const what = s.progress ? [s.progress.port, s.progress.what].filter(Boolean).join(": ") : "Starting";
  return (
    <div class="running">
      <label>
        <span>{what}</span>
        <progress max={1} {...(isNumber(part) ? { value: part } : {})} />
      </label>
      <button type="button" onClick={() => void end()}>Stop</button>
    </div>
  );
}

const NAMES: Record<string, string> = { degC: "\u00b0C", "1": "" };

function facts(f: Found): string[] {
  return [
    protocolName(f.protocol),
    f.medium ?? "",
    f.serial ? `serial ${f.serial}` : "",
    f.tcp ?? f.port ?? "",
    isNumber(f.baud) ? `${f.baud} baud${f.parity && f.parity !== "none" ? `, ${f.parity} parity` : ""}` : "",
    isNumber(f.address) ? `address ${f.address}` : "",
    f.secondary ? `secondary ${f.secondary}` : "",
  ].filter(Boolean);
}

function Values({ f }: { f: Found }) {
  if (f.values.length === 0) return null;
  return (
    <ul class="counters">
      {f.values.map((v) => (
        <li key={v.quantity}>
          {v.quantity} <b>{isNumber(v.value) ? `${fixed(v.value, Number.isInteger(v.value) ? 0 : 2)}\u00a0${NAMES[v.unit] ?? v.unit}` : MISSING}</b>
        </li>
      ))}
    </ul>
  );
}

function Adding({ f, name }: { f: Found; name: string }) {
  const past = added.value[f.key];
  if (f.configured_as && past?.state !== "done") return <p class="note">{`Already measured, as \u201c${f.configured_as}\u201d`}</p>;
  if (!f.source) return null;
  return (
    <>
      {past?.state !== "done" && (
        <button type="button" disabled={past?.state === "asked"} onClick={() => void add(f)} aria-label={`Add ${name}`}>Add</button>
      )}
      {past && <p class={past.state === "failed" ? "problem" : "note"} role="status">{past.words}</p>}
    </>
  );
}

function FoundItem({ f }: { f: Found }) {
  const name = f.model ?? f.maker ?? `Unknown ${protocolName(f.protocol)} device`;
  return (
    <li data-found={f.key}>
      <div class="line">
        <span class="name">{f.collision ? "Several meters at one address" : name}</span>
        <Adding f={f} name={name} />
      </div>
      <p class="note">{facts(f).join(" \u00b7 ")}</p>
      {f.note && !f.configured_as && <p class="why">{f.note}</p>}
      <Values f={f} />
      {f.yaml && !f.configured_as && (
        <details>
          <summary>What Add writes into the configuration</summary>
          <pre>{f.yaml}</pre>
        </details>
      )}
    </li>
  );
}

const ENDED: Record<Scan["state"], string> = { idle: "", running: "So far", done: "Search ended", stopped: "Search stopped" };

function Results({ s }: { s: Scan }) {
  const n = s.found.length;
  return (
    <>
      <div role="status">
        <h3>{`${ENDED[s.state]}: ${n === 0 ? "nothing found" : n === 1 ? "one found" : `${n} found`}`}</h3>
      </div>
      {s.problems.map((p) => <p key={`${p.port} ${p.detail}`} class="problem">{p.port ? `${p.port}: ` : ""}{p.detail}</p>)}
      <ul class="sources">
        {s.found.map((f) => <FoundItem key={f.key} f={f} />)}
      </ul>
    </>
  );
}

export function SearchCard() {
  useEffect(() => void look(), []);
  const s = scan.value;
  if (!ports.value && !trouble.value) return null;
  return (
    <section class="card search" id="search" aria-labelledby="h-search">
      <h2 id="h-search">Find meters</h2>
      {s?.state === "running" ? <Running s={s} /> : mayChange.value ? <Asking list={ports.value ?? []} /> : <NoChanges what="to search and add meters" />}
      {trouble.value && <p class="problem" role="alert">{trouble.value}</p>}
      {s && s.state !== "idle" && <Results s={s} />}
    </section>
  );
}
