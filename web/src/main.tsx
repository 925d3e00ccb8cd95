/* The page: one column on a phone, two on a laptop; nothing on it leaves the device. */
import { render } from "preact";
import { effect } from "@preact/signals";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { CircuitsCard } from "./circuits";
import { isNumber, text, watts } from "./format";
import { CalibrationCard } from "./calibratecard";
import { Header } from "./header";
import { Alarm, HealthCard } from "./health";
import { HeatPumpCard } from "./heatpump";
import { addEntry, loadJournal } from "./journal";
import { listen, live, link, old, returns, start } from "./live";
import type { Entry } from "./api";
import { SearchCard } from "./searchcard";
import { Tabs } from "./tabs";
import { TodayCard } from "./today";
import { startTrend } from "./trend";
import { TrendCard } from "./trendview";
import { startScope } from "./scope";
import { ScopeCard } from "./scopeview";

function Waiting() {
  return (
    <p class="waiting" role="status">
      {link.value === "lost" ? "The device does not answer. Still trying." : "Waiting for the device\u2026"}
    </p>
  );
}

function Page() {
  const known = live.value !== null;
  return (
    <>
      <a class="skip" href="#main">Skip to the values</a>
      <Header />
      <main id="main" class={old.value ? "old" : ""} tabIndex={-1}>
        {!known && <Waiting />}
        {known && (
          <>
            <Alarm />
            <div class="grid">
              <HeatPumpCard />
              <TodayCard />
              <TrendCard />
              <CircuitsCard />
              <ScopeCard />
              <HealthCard />
              <CalibrationCard />
              <SearchCard />
            </div>
          </>
        )}
      </main>
      {known && <Tabs />}
    </>
  );
}

effect(() => {
  const now = live.value;
  const v = now?.heatpump?.elec_power;
  const head = old.value ? "(no connection) " : isNumber(v) ? `${text(watts(v))} \u00b7 ` : "";
  document.title = `${head}${now?.site || "heatwatt"}`;
});

effect(() => {
  returns.value; // what the stream missed while it was away
  void loadJournal();
});
listen("journal", (value) => addEntry(value as Entry));

start();
startTrend();
startScope();
render(<Page />, document.getElementById("page")!);
