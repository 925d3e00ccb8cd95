/* Energies since local midnight; what the site has no meter for is left out, not shown as 0. */
import { energy, isNumber, ratio, text } from "./format";
import { live, zone } from "./live";
import { siteEnergy } from "./model";
import { at } from "./time";
import { Tile } from "./value";

export function TodayCard() {
  const now = live.value;
  if (!now) return null;
  const t = now.heatpump?.today;
  const total = now.heatpump?.total;
  const site = siteEnergy(now);
  return (
    <section class="card today" aria-labelledby="h-today">
      <h2 id="h-today">
        Today <span class="aside">{at(now.time, zone.value, "date")}, since midnight</span>
      </h2>
      <dl class="tiles">
        <Tile label="Electricity" v={t?.elec} as={energy} tone="elec" />
        <Tile label="Heat" v={t?.heat} as={energy} tone="heat" />
        <Tile label="COP" v={t?.cop} as={ratio} />
        <Tile label="Heat drawn" v={t?.negative_heat} as={energy} tone="cold" note="by defrosts" />
        {site.hasGrid && <Tile label="Grid in" v={site.gridIn} as={energy} />}
        {site.hasGrid && <Tile label="Grid out" v={site.gridOut} as={energy} />}
        {site.hasSolar && <Tile label="Solar" v={site.solar} as={energy} tone="sun" />}
      </dl>
      {total && isNumber(total.elec) && isNumber(total.heat) && (
        <p class="foot">
          All time: {text(energy(total.elec))} electricity, {text(energy(total.heat))} heat
          {isNumber(total.negative_heat) && `, ${text(energy(total.negative_heat))} drawn`}
        </p>
      )}
    </section>
  );
}
