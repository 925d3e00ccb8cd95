/* A number as the page shows it: large, its unit small; missing is a dash with the reason below. */
import type { ComponentChildren } from "preact";
import { isNumber, MISSING, span, type Measure } from "./format";
import type { Doubt } from "./model";

export function Value({ v, as }: { v: number | null | undefined; as: (v: number) => Measure }) {
  if (!isNumber(v)) {
    return (
      <span class="value missing">
        <span aria-hidden="true">{MISSING}</span>
        <span class="sr">missing</span>
      </span>
    );
  }
  const [n, unit] = as(v);
  return (
    <span class="value">
      {n}
      {unit && <span class="unit">{"\u00a0" + unit}</span>}
    </span>
  );
}

export function doubtText(d: Doubt): string {
  return d.ageMs === null ? d.why : `${d.why}, last reading ${span(d.ageMs)} ago`;
}

const briefText = (d: Doubt) => (d.ageMs === null ? d.short : `${d.short}, ${span(d.ageMs)}`);

interface TileProps {
  label: ComponentChildren;
  v: number | null | undefined;
  as: (v: number) => Measure;
  doubt?: Doubt | null;
  tone?: string;
  note?: ComponentChildren;
}

/* A labelled value. With a doubt it is greyed and says why, in words and not by colour alone. */
export function Tile({ label, v, as, doubt, tone, note }: TileProps) {
  return (
    <div class={`tile ${tone ?? ""} ${doubt ? "doubtful" : ""}`}>
      <dt>{label}</dt>
      <dd>
        <Value v={v} as={as} />
        {note && <span class="note">{note}</span>}
        {doubt && <span class="note why" title={doubt.why}>{briefText(doubt)}</span>}
      </dd>
    </div>
  );
}

/* Where a form would be, were changes taken from this browser. */
export function NoChanges({ what }: { what: string }) {
  return (
    <p class="note">
      {`This device takes no changes from your browser. Open the page on the device itself ${what}, or set `}
      <code>changes: always</code> under <code>http:</code> in its configuration, behind a proxy that asks for a password.
    </p>
  );
}
