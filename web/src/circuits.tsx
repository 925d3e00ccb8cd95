/* Every clamp: power with its sign, current, power factor, today's energy. */
import { amps, energy, fixed, isNumber, MISSING, ratio, scaleEnd, span, text, watts } from "./format";
import { live } from "./live";
import { circuits, type Circuit } from "./model";
import { Value } from "./value";
import type { Channel, Live } from "./api";

interface Scale {
  lo: number; // W, 0 or below
  hi: number; // W
}

function scaleOf(rows: readonly Circuit[]): Scale {
  const seen = rows.map((r) => r.power.value).filter(isNumber);
  const least = Math.min(0, ...seen);
  return { lo: least < -5 ? -scaleEnd(-least) : 0, hi: scaleEnd(Math.max(100, ...seen)) };
}

function Bar({ v, scale }: { v: number | null; scale: Scale }) {
  const size = scale.hi - scale.lo;
  const zero = (-scale.lo / size) * 100;
  const length = isNumber(v) ? (Math.abs(v) / size) * 100 : 0;
  const left = isNumber(v) && v < 0 ? zero - length : zero;
  return (
    <span class="track signed" aria-hidden="true">
      <span class={isNumber(v) && v < 0 ? "out" : "in"} style={{ left: `${left}%`, width: `${length}%` }} />
      {scale.lo < 0 && <i style={{ left: `${zero}%` }} />}
    </span>
  );
}

const plain = (c: Channel | null, as: (v: number) => [string, string]) => (isNumber(c?.value) ? text(as(c.value)) : MISSING);

/* What only some clamps measure (`measure:`), in words. */
function more(row: Circuit): string {
  const parts: string[] = [];
  if (isNumber(row.thd?.value)) parts.push(`distortion ${text([fixed(row.thd.value, 1), "%"])}`);
  if (isNumber(row.cosPhi?.value)) parts.push(`cos φ ${fixed(row.cosPhi.value, 2)}`);
  return parts.join(", ");
}

function whyMissing(now: Live, row: Circuit): string {
  const source = now.sources.find((s) => s.id === row.id);
  if (source && source.state !== "ok") return source.cause ?? source.state;
  const age = row.power.age_ms;
  return isNumber(age) ? `last value ${span(age)} ago` : "not measured";
}

function Row({ now, row, scale }: { now: Live; row: Circuit; scale: Scale }) {
  const v = row.power.value;
  const given = row.exported?.today;
  return (
    <div class={`row ${isNumber(v) ? "" : "absent"}`} role="row" data-circuit={row.id}>
      <span role="rowheader" class="name">
        {row.label}{" "}
        {row.suspect && <span class="flag" title="The device doubts this reading">suspect</span>}
        {more(row) && <span class="note">{more(row)}</span>}
        {!isNumber(v) && <span class="note why">{whyMissing(now, row)}</span>}
      </span>
      <span role="cell" class="watt"><Value v={v} as={watts} /></span>
      <span role="cell" class="bar"><Bar v={v} scale={scale} /></span>
      <span role="cell" class="amp">{plain(row.current, amps)}</span>
      <span role="cell" class="pf"><span class="narrow">PF </span>{plain(row.pf, ratio)}</span>
      <span role="cell" class="kwh">
        {isNumber(row.imported?.today) ? <Value v={row.imported.today} as={energy} /> : <Value v={null} as={energy} />}
        {isNumber(given) && given >= 5 && <span class="note">{fixed(given / 1000, 2)} out</span>}
      </span>
    </div>
  );
}

export function CircuitsCard() {
  const now = live.value;
  if (!now) return null;
  const rows = circuits(now.channels);
  const scale = scaleOf(rows);
  return (
    <section class="card circuits" id="circuits" aria-labelledby="h-circuits">
      <h2 id="h-circuits">
        Circuits <span class="aside">{rows.length}</span>
      </h2>
      {rows.length === 0 && <p>No clamps are configured.</p>}
      {rows.length > 0 && (
        <div role="table" aria-labelledby="h-circuits" class="list">
          <div class="row head" role="row">
            <span role="columnheader" class="name">Circuit</span>
            <span role="columnheader" class="watt">Power</span>
            <span role="columnheader" class="bar"><span class="sr">Bar</span></span>
            <span role="columnheader" class="amp">Current</span>
            <span role="columnheader" class="pf" title="Power factor">PF</span>
            <span role="columnheader" class="kwh">Today</span>
          </div>
          {rows.map((row) => <Row key={row.id} now={now} row={row} scale={scale} />)}
        </div>
      )}
    </section>
  );
}
