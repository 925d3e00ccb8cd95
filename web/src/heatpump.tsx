/* The heat pump now: COP over 30 minutes large, the two powers on one scale, temperatures below. */
import { celsius, isNumber, kelvin, litresPerHour, ratio, scaleEnd, text, watts } from "./format";
import { live } from "./live";
import { doubt, pick, type Part } from "./model";
import { Tile, Value, doubtText } from "./value";
import type { Live } from "./api";

function Power({ now, part, end }: { now: Live; part: "elec" | "heat"; end: number }) {
  const v = part === "elec" ? now.heatpump?.elec_power : now.heatpump?.heat_power;
  const why = doubt(now, part);
  const drawn = part === "heat" && isNumber(v) && v < 0;
  const label = part === "elec" ? "Electricity" : drawn ? "Heat drawn (defrost)" : "Heat";
  const width = isNumber(v) ? Math.min(100, (100 * Math.abs(v)) / end) : 0;
  return (
    <div class={`power ${drawn ? "cold" : part} ${why ? "doubtful" : ""}`} data-part={part}>
      <dt>{label}</dt>
      <dd>
        <Value v={v} as={watts} />
        <span class="track" aria-hidden="true"><span style={{ width: `${width}%` }} /></span>
        {why && <span class="note why">{doubtText(why)}</span>}
      </dd>
    </div>
  );
}

function Temperatures({ now }: { now: Live }) {
  const h = now.heatpump;
  const has = (part: Part) => now.roles?.[part] !== undefined || pick(now.channels, part, now.roles) !== null;
  const dt = isNumber(h?.flow_t) && isNumber(h.return_t) ? h.flow_t - h.return_t : null;
  const dtDoubt = doubt(now, "flow_t") ?? doubt(now, "return_t");
  return (
    <dl class="tiles temps">
      <Tile label="Flow" v={h?.flow_t} as={celsius} doubt={doubt(now, "flow_t")} tone="flow" />
      <Tile label="Return" v={h?.return_t} as={celsius} doubt={doubt(now, "return_t")} tone="return" />
      <Tile label="Difference" v={dt} as={kelvin} doubt={dtDoubt} />
      <Tile label="Water" v={h?.flow_rate} as={litresPerHour} doubt={doubt(now, "flow_rate")} />
      <Tile label="Outside" v={h?.outside_t} as={celsius} doubt={doubt(now, "outside_t")} tone="outside" />
      {has("room_t") && <Tile label="Room" v={h?.room_t} as={celsius} doubt={doubt(now, "room_t")} />}
      {has("dhw_t") && <Tile label="Cylinder" v={h?.dhw_t} as={celsius} doubt={doubt(now, "dhw_t")} />}
    </dl>
  );
}

export function HeatPumpCard() {
  const now = live.value;
  if (!now) return null;
  const h = now.heatpump;
  const end = scaleEnd(Math.max(5000, Math.abs(h?.elec_power ?? 0), Math.abs(h?.heat_power ?? 0)));
  const cop = (v: number | null | undefined) => (isNumber(v) ? text(ratio(v)) : "\u2014");
  return (
    <section class="card pump" id="now" aria-labelledby="h-pump">
      <h2 id="h-pump">Heat pump</h2>
      <div class="hero">
        <dl class="cop">
          <dt><abbr title="Coefficient of performance: heat over electricity">COP</abbr>, 30 min</dt>
          <dd data-value="cop">
            <Value v={h?.cop_30m} as={ratio} />
            {!isNumber(h?.cop_30m) && <span class="note why">no electricity and heat measured together</span>}
          </dd>
          <dd class="also">
            <span>today <b>{cop(h?.today.cop)}</b></span> <span>all time <b>{cop(h?.total.cop)}</b></span>
          </dd>
        </dl>
        <dl class="powers">
          <Power now={now} part="elec" end={end} />
          <Power now={now} part="heat" end={end} />
        </dl>
      </div>
      <Temperatures now={now} />
    </section>
  );
}
