/*
 * The page against a device that misbehaves (fake_api.mjs), in a real browser: what is stale,
 * missing, lost or not the device's own must be seen as such.
 *
 *   node tests/web/page_test.mjs [DIST]      DIST: the built page, default web/dist
 *
 * Prints TAP.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openBrowser, openPage } from "./browser.mjs";
import { FakeDevice, healthy } from "./fake_api.mjs";
import { check, done, until } from "./tap.mjs";

const dist = resolve(process.argv[2] ?? fileURLToPath(new URL("../../web/dist", import.meta.url)));
// The house does the same at each run, and London keeps winter time: its clock is not the machine's.
const device = new FakeDevice({ dist, start: Date.UTC(2027, 0, 15, 10, 40) });
const url = await device.listen();
// The browser sits in another zone than the site: times must not be its own.
const { context, close } = await openBrowser({ timezoneId: "America/New_York" });
const { page, seen } = await openPage(context, url);

const set = (knobs) => Object.assign(device.knobs, knobs);
const text = (selector) => page.locator(selector).innerText();
const has = (selector, pattern, seconds = 4) =>
  until(async () => pattern.test(await text(selector)), seconds, `${selector} did not show ${pattern}`).catch(async (e) => {
    throw new Error(`${e.message}; it shows: ${await text(selector)}`);
  });
const tile = (label) => `.temps .tile:has(dt:text-is("${label}"))`;

try {
  await page.locator(".link.live").waitFor();

  await check("a reload finds no request to others and no console error under the page's own policy", async () => {
    await page.reload();
    await page.locator(".link.live").waitFor();
    assert.deepEqual(seen.errors, []);
    assert.deepEqual([...seen.hosts.keys()], [url]);
  });

  await check("the clock is the site's, not the browser's", async () => {
    set({ zone: "Asia/Kolkata" });
    await has(".clock", /GMT\+5:30/);
    const want = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Kolkata", hour: "2-digit", minute: "2-digit" }).format(device.now());
    assert.match(await text(".clock"), new RegExp(`^${want}:`));
    set({ zone: "Europe/London" });
    await has(".clock", /GMT,/);
  });

  await check("a stale meter's values become dashes with reason and age, never 0", async () => {
    set({ meter: "stale" });
    device.meterLast -= 90_000;
    await has('[data-part="heat"]', /\u2014\s*missing[\s\S]*no answer to the last 3 polls, last reading 1\u00a0min ago/);
    for (const label of ["Flow", "Return", "Difference", "Water"]) {
      await has(tile(label), /\u2014/);
      assert.match(await text(tile(label)), /stale, 1\u00a0min/);
      assert.doesNotMatch(await text(tile(label)), /(^|\s)0(\.0)?(\s|$)/);
    }
    assert.match(await text('[data-part="elec"]'), /\d\sk?W/);
    await has(".alarm", /Heat meter is stale: no answer to the last 3 polls/);
    await has('[data-source="heatmeter"]', /stale/);
    await has(".health", /no route to host[\s\S]*waiting 412/);
  });

  await check("the journal shows what happened, newest first, and what happens now", async () => {
    await has(".journal", /Meter exchanged Heat meter[\s\S]*15 Jan[\s\S]*5230100 Wh before[\s\S]*Started[\s\S]*time unknown/);
    device.note("register_rollover", "heatmeter", "The register turned over; <b>nothing</b> is lost.");
    await has(".journal", /^Register turned over Heat meter[\s\S]*<b>nothing<\/b> is lost[\s\S]*Meter exchanged/);
    for (let i = 0; i < 9; i++) device.note("unheard_of", "nosuch", `number ${i}`);
    await has(".journal", /^unheard_of nosuch[\s\S]*number 8[\s\S]*number 1(?![\s\S]*turned over)/);
    await page.locator(".more", { hasText: "All 12" }).click();
    await has(".journal", /turned over/);
  });

  await check("a meter that answers again clears the alarm", async () => {
    set({ meter: "ok" });
    await until(async () => (await page.locator(".alarm").count()) === 0, 4, "the alarm stayed");
    await has(tile("Flow"), /\d+\.\d/);
  });

  await check("heat drawn by a defrost is shown apart and with its sign", async () => {
    set({ negative: true });
    await has(".power.cold", /Heat drawn \(defrost\)\s*\u22121\.85/);
    set({ negative: false });
    await has(".power.heat", /Heat\s/);
  });

  await check("a doubtful clamp is flagged in words", async () => {
    set({ suspect: "washer" });
    await has('[data-circuit="washer"]', /suspect/);
    assert.equal(await page.locator(".flag").count(), 1);
    set({ suspect: null });
  });

  await check("a clamp that measures distortion and displacement shows both, others nothing of them", async () => {
    await has('[data-circuit="hp"]', /distortion 15\.4\u00a0%, cos φ 0\.99/);
    assert.doesNotMatch(await text('[data-circuit="kettle"]'), /distortion|cos/);
  });

  await check("gaps of the history stay gaps and are counted", async () => {
    set({ gap: [9 * 3_600_000, 6.5 * 3_600_000] });
    await page.reload();
    await has("#c-power", /One gap, 2\u00a0h/, 8);
    await has("#c-temps", /One gap, 2\u00a0h/);
    await page.getByRole("button", { name: "Show table" }).click();
    const dashes = page.locator(".trend tbody tr", { hasText: "\u2014" });
    const n = await dashes.count();
    assert.ok(n >= 1 && n <= 4, `${n} rows of the table have a dash`);
    set({ gap: null });
  });

  await check("what the charts show comes as a file of CSV", async () => {
    const link = page.getByRole("link", { name: "Download CSV" });
    const download = page.waitForEvent("download");
    await link.click();
    const file = await download;
    assert.equal(file.suggestedFilename(), "heatwatt.csv");
    const rows = readFileSync(await file.path(), "utf8").trim().split("\r\n").map((row) => row.split(","));
    const asked = new URL(await link.getAttribute("href"), url).searchParams;
    assert.equal(rows.length - 1, (asked.get("to") - asked.get("from")) / asked.get("step"));
    assert.equal(asked.get("to") - asked.get("from"), 24 * 3_600_000);
    assert.ok(rows[0].includes("heatpump_elec_power mean [W]"), rows[0].join());
    assert.equal(Number(rows[1][1]), Number(asked.get("from")));
  });

  await check("a history that cannot be read says why, and the chart keeps the name of its own range", async () => {
    set({ queryFails: true });
    await page.getByRole("button", { name: /the last 7 days/ }).click();
    await has(".problem", /the log is being rebuilt/);
    assert.match(await text("#c-power"), /^Last 24 hours/);
    set({ queryFails: false });
    await page.getByRole("button", { name: "Try again" }).click();
    await has("#c-power", /^Last 7 days/);
    assert.equal(await page.locator(".problem").count(), 0);
  });

  await check("a chart with simulated or imported parts carries the badge", async () => {
    await has(".trend .origin", /SIMULATED|Simulated/i);
    set({ provenance: "measured" });
    await page.reload();
    await has("#c-power", /^Last 24 hours/, 8);
    assert.equal(await page.locator(".badge").count(), 0);
    set({ provenance: "simulated" });
  });

  await check("a device that names no roles still shows its temperatures, and no grid it may not have", async () => {
    set({ roles: false });
    await until(async () => (await page.locator(".today dt", { hasText: "Grid" }).count()) === 0, 4, "the grid stayed");
    await has(tile("Flow"), /\d/);
    set({ roles: true });
  });

  await check("a device that has just started shows dashes and its state, and no number", async () => {
    set({ bare: true });
    await page.reload();
    await has("h1", /New house/);
    await has('[data-part="elec"]', /\u2014/);
    await has(".clock", /UTC, clock not set/);
    await has("#c-power", /no electricity recorded; no heat recorded/);
    await has('[data-source="m"]', /starting[\s\S]*no reading yet/);
    assert.doesNotMatch(await text(".pump") + (await text(".today dl")), /\d\s(W|kW|kWh|\u00b0C)/);
    set({ bare: false });
    await page.reload();
    await has(".link", /^Live$/);
  });

  await check("the cursors of both charts move together and Escape frees them", async () => {
    await has("#c-power", /^Last 24 hours/, 8);
    const chart = page.locator(".chart").first();
    await chart.focus();
    await page.keyboard.press("Home");
    await has(".trend .when", /\d\d:\d\d\u2013\d\d:\d\d/);
    const lefts = await page.locator(".chart .u-cursor-x").evaluateAll((all) => all.map((e) => e.style.transform));
    assert.equal(lefts.length, 2);
    assert.equal(lefts[0], lefts[1]);
    await page.keyboard.press("Escape");
    await has(".trend .when", /now/);
  });

  await check("a silent device is reconnecting or lost after five seconds, and its values turn grey", async () => {
    const colour = () => page.locator(".cop .value").evaluate((e) => getComputedStyle(e).color);
    const fresh = await colour();
    set({ silent: true, refuse: true });
    device.cut();
    await has(".link", /Reconnecting|Connection lost/);
    await has(".link", /Connection lost\s+since \d\d:\d\d/, 8);
    await page.waitForFunction(() => document.title.startsWith("(no connection)"));
    assert.notEqual(await colour(), fresh);
    set({ silent: false, refuse: false });
    await has(".link", /^Live$/, 10);
    assert.equal(await colour(), fresh);
  });

  await check("a hidden page closes its stream, a shown one opens it again", async () => {
    const hide = (hidden) => page.evaluate((h) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => h });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    await until(() => device.streams.size === 1, 4, "there was not one stream");
    await hide(true);
    await until(() => device.streams.size === 0, 4, "the stream stayed open");
    await hide(false);
    await until(() => device.streams.size === 1, 4, "no stream was opened");
    await has(".link", /^Live$/);
  });

  const search = page.locator("#search");
  const found = (name) => search.locator("li", { hasText: name });

  await check("a search is begun with a click, shows how far it is, and can be stopped", async () => {
    await search.getByRole("checkbox", { name: /usb-FTDI_M-Bus/ }).check();
    assert.match(await search.innerText(), /in use: heatmeter/);
    await search.getByText("Only some protocols").click();
    await search.getByRole("checkbox", { name: "M-Bus", exact: true }).check();
    await search.getByRole("textbox", { name: "In the network" }).fill(" gateway:10001 ");
    await search.getByRole("button", { name: "Search", exact: true }).click();
    await search.getByRole("button", { name: "Stop" }).waitFor();
    assert.deepEqual(device.asked.at(-1).body, { ports: ["/dev/serial/by-id/usb-FTDI_M-Bus", "gateway:10001"], protocols: ["mbus"] });
    device.searched(1);
    await has("#search", /M-Bus at 2400 baud, secondary addresses[\s\S]*So far: one found[\s\S]*Kamstrup MULTICAL 403/);
    assert.ok(Math.abs((await search.locator("progress").evaluate((e) => e.value)) - 1 / 3) < 0.01);
    await search.getByRole("button", { name: "Stop" }).click();
    await has("#search", /Search stopped: one found/);
  });

  await check("a search goes on though the page was loaded anew, and ends", async () => {
    await search.getByRole("checkbox", { name: /ttyAMA0/ }).check();
    await search.getByRole("button", { name: "Search", exact: true }).click();
    await search.getByRole("button", { name: "Stop" }).waitFor();
    device.searched(2);
    await page.reload();
    await has("#search", /So far: 2 found/, 8);
    device.searched(3, { state: "done", problems: [{ port: "/dev/ttyUSB9", detail: "no such device" }] });
    await has("#search", /Search ended: 3 found\s+\/dev\/ttyUSB9: no such device/);
  });

  await check("what is measured already, or cannot be told apart, cannot be added", async () => {
    assert.match(await found("MULTICAL 403").innerText(), /Already measured, as \u201cheatmeter\u201d/);
    assert.match(await found("Several meters at one address").innerText(), /Two meters answer at address 3/);
    assert.equal(await search.getByRole("button", { name: /^Add/ }).count(), 1);
    assert.match(await found("Sontex").innerText(), /flow_t 34\.25\u00a0\u00b0C\s*return_t \u2014/);
  });

  await check("one click adds a meter; why it cannot be is said and it can be tried again", async () => {
    const add = search.getByRole("button", { name: "Add Sontex Supercal 531" });
    set({ refuseSource: true });
    await add.click();
    await has("#search", /would not be right; sources\[3\]\.address: 9 is already that of "weather"/);
    set({ refuseSource: false });
    await add.click();
    await has("#search", /Added as \u201csontex\u201d/);
    assert.equal(await add.count(), 0);
    assert.deepEqual(device.asked.at(-1).body, { source: { id: "sontex", type: "mbus", port: "/dev/ttyUSB0", address: 9 } });
    set({ changes: false });
    await search.getByRole("checkbox", { name: /ttyAMA0/ }).check();
    await search.getByRole("button", { name: "Search", exact: true }).click();
    await has("#search", /http\.changes says so/);
    set({ changes: true });
  });

  const card = page.locator("#calibration");
  const button = (name) => card.getByRole("button", { name, exact: true });
  const asked = () => device.asked.at(-1).body;
  const count = (n) => until(async () => (await card.locator("[data-number]").count()) === n, 4, `the history has not ${n} values`);

  await check("the calibration card shows what counts for each input, and what is only nominal", async () => {
    assert.equal(await card.locator("[data-input]").count(), 15);
    assert.match(await text('[data-input="mains"]'), /Gain 1\.0065\s\u00b1\s0\.53\s% by a reading, 20 Dec 2026, 14:05\s+Phase nominal: OpenEnergyMonitor emonVs, no class stated/);
    assert.match(await text('[data-input="hp"]'), /Phase \u22120\.21\u00b0\s\u00b1\s0\.10\u00b0 by a resistive load[\s\S]*Gain nominal: YHDC/);
    assert.match(await text('[data-input="grid"]'), /Nominal: YHDC SCT-013-000, class \u00b13 % from 10 to 120 A/);
    assert.match(await text('[data-input="fridge"]'), /Nominal: model not named in the configuration/);
    assert.match(await text('[data-number="1"]'), /an instrument showed 236\.1 V/);
  });

  await check("a reading is tried by the keyboard, and what would change is said before anything does", async () => {
    const field = card.getByRole("spinbutton", { name: "It shows, in V" });
    await field.fill("237.2");
    await card.getByRole("spinbutton", { name: /The instrument is good for/ }).fill("0.3");
    await field.press("Enter");
    await has("#calibration .result", /This would be found[\s\S]*Gain 1\.0112\s\u00b1\s0\.33\s%, before 1\.0065\s\u00b1\s0\.53\s%/);
    assert.match(await text("#calibration .result"), /changes by \+0\.47\s%[\s\S]*voltage is 236\.10\sV; it would be 237\.20\sV/);
    assert.doesNotMatch(await text("#calibration .result"), /within its uncertainty/);
    assert.deepEqual(asked(), { method: "reading", input: "mains", value: 237.2, average_s: 10, uncertainty_pct: 0.3, check: true });
    await count(2);
    await field.fill("236.2");
    assert.equal(await card.locator(".result").count(), 0, "what was tried is not what the form says");
    assert.equal(await button("Apply").count(), 0);
    await button("Try").click();
    await has("#calibration .result", /within its uncertainty/);
  });

  await check("what was tried is applied with the past, since an hour on the site's clock, and stands in the history", async () => {
    await card.getByLabel(/Correct what was recorded since\s+GMT/).fill("2027-01-15T08:30");
    await button("Try").click();
    await button("Apply, and correct the past").click();
    await has("#calibration .result", /Applied[\s\S]*the past are corrected \(7 corrections\)/);
    assert.deepEqual(asked(), { method: "reading", input: "mains", value: 236.2, average_s: 10, uncertainty_pct: 0.3, since: Date.UTC(2027, 0, 15, 8, 30) });
    await count(3);
    assert.match(await text('[data-number="3"]'), /counts now; records corrected since 15 Jan 2027, 08:30/);
    assert.match(await text('[data-number="1"]'), /replaced by a later value/);
    assert.equal(await card.getByRole("spinbutton", { name: "It shows, in V" }).inputValue(), "", "it could be applied twice");
    await until(() => page.evaluate(() => document.activeElement?.textContent === "Applied"), 2, "the focus was lost");
  });

  await check("a clamp's kettle, meter and circuits are asked for as the device takes them", async () => {
    await card.getByRole("combobox", { name: "Voltage or clamp" }).selectOption("kettle");
    await card.getByRole("combobox", { name: "The instrument shows" }).selectOption("power");
    await card.getByRole("spinbutton", { name: "It shows, in W" }).fill("950");
    await button("Try").click();
    await has("#calibration .result", /Kitchen sockets[\s\S]*Now the current is [\s\S]*Now the power is/);
    assert.equal(asked().quantity, "power");

    await card.getByRole("radio", { name: /^A kettle or heater/ }).check();
    await card.getByText("More", { exact: true }).click();
    await card.getByRole("spinbutton", { name: /angle/ }).fill("");
    await button("Try").click();
    await has("#calibration .result", /Phase \+0\.84\u00b0/);
    assert.deepEqual(asked(), { method: "resistive", input: "kettle", average_s: 10, check: true });

    await card.getByRole("radio", { name: /^A trusted meter/ }).check();
    await card.getByRole("combobox", { name: "Clamp" }).selectOption("hp");
    const meters = await card.getByRole("combobox", { name: "Meter on the same circuit" }).locator("option").allInnerTexts();
    assert.ok(meters.includes("Sub-meter (pulses)") && meters.includes("Grid (grid)") && !meters.includes("Heat pump (hp)") && !meters.join().includes("heatmeter"), meters.join());
    await card.getByRole("combobox", { name: "Meter on the same circuit" }).selectOption("pulses");
    await card.getByLabel(/From records since/).fill("2027-01-14T00:00");
    await button("Try").click();
    await has("#calibration .result", /the meter read 3\.2\sW \u00b1\s1\.1\sW more than the clamp[\s\S]*they did not fit: 1 of 112 stretches/);
    assert.deepEqual(asked(), { method: "meter", input: "hp", meter: "pulses", uncertainty_pct: 0.3, from: Date.UTC(2027, 0, 14), check: true });

    await card.getByRole("radio", { name: /^The sum of the circuits/ }).check();
    await card.getByRole("combobox", { name: "Main clamp" }).selectOption("grid");
    assert.ok(await button("Try").isDisabled(), "there is no circuit to try");
    await card.getByRole("checkbox", { name: "Solar panels", exact: true }).check();
    await card.getByRole("checkbox", { name: "Solar panels feeds in" }).check();
    await card.getByRole("checkbox", { name: "Heat pump", exact: true }).check();
    await button("Try").click();
    await has("#calibration .result", /Heat pump[\s\S]*Solar panels/);
    assert.deepEqual(asked().circuits, ["hp", "-solar"]);
    assert.equal(asked().input, "grid");
  });

  await check("a value that cannot be found says why, in the device's words", async () => {
    set({ refuseCalibration: [409, "'hob' in the last 10 s, 46 W: the load is below 100 W: take a kettle or a heater"] });
    await card.getByRole("radio", { name: /^A kettle or heater/ }).check();
    await button("Try").click();
    await has("#calibration .problem", /the load is below 100 W: take a kettle/);
    assert.equal(await card.locator(".result").count(), 0);
    set({ refuseCalibration: undefined });
    await button("Try").click();
    await has("#calibration .result", /This would be found/);
    assert.equal(await card.locator(".problem").count(), 0);
  });

  await check("a value is taken back by two clicks, and by one it is not", async () => {
    const ask = card.getByRole("button", { name: "Take back number 3, Mains" });
    await ask.click();
    await button("No").click();
    assert.equal(await ask.count(), 1);
    await ask.click();
    await until(() => page.evaluate(() => document.activeElement?.textContent === "Yes, take back"), 2, "the focus was lost");
    await page.keyboard.press("Enter");
    await has('[data-number="3"]', /taken back 15 Jan 2027/);
    assert.deepEqual([device.asked.at(-1).method, device.asked.at(-1).path], ["DELETE", "/api/v1/calibration/3"]);
    assert.match(await text('[data-input="mains"]'), /1\.0065/);
    assert.equal(await ask.count(), 0);
  });

  await check("a browser from which nothing may be changed is told so, and what to set, and sees the rest", async () => {
    set({ changes: false });
    await page.reload();
    await has("#calibration", /takes no changes from your browser[\s\S]*changes: always[\s\S]*What counts now[\s\S]*History/, 8);
    assert.equal(await card.locator("form, .past button").count(), 0);
    await has("#search", /takes no changes from your browser/);
    assert.equal(await search.locator("form").count(), 0);
    set({ changes: true });
    await page.reload();
    await button("Try").waitFor();
    // left as it is for the rules of accessibility below
    await card.getByRole("spinbutton", { name: "It shows, in V" }).fill("237.2");
    await button("Try").click();
    await has("#calibration .result", /This would be found/);
    await card.getByRole("button", { name: "Take back number 2, Heat pump" }).click();
    await card.getByText("More", { exact: true }).click();
  });

  await check("the scope asks only while it is in sight, shows the chosen clamp and reads at the cursor", async () => {
    await page.evaluate(() => scrollTo(0, 0)); // the header is always in sight
    await page.waitForTimeout(700);
    const before = device.looks.length;
    await page.waitForTimeout(1200);
    assert.equal(device.looks.length, before, "it asked out of sight");
    await page.locator("#waveform").scrollIntoViewIfNeeded();
    await until(() => device.looks.length >= before + 3, 4, "it did not ask three times");
    assert.deepEqual(device.looks.at(-1), ["hp", 2]); // the role's clamp
    await has("#waveform", /Voltage\s+236\.1\u00a0V\s+RMS[\s\S]*Nothing clips\. Noise 0\.71 steps/);
    await page.locator("#waveform select").selectOption("kettle");
    await page.getByRole("button", { name: "5 cycles" }).click();
    await until(() => device.looks.at(-1).join() === "kettle,5", 4, "it did not ask for five cycles of the kettle");
    await page.locator(".screen").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("PageDown");
    await has("#waveform .legend", /Voltage\s+\d+\.\d\u00a0V\s+Current\s+[\d.,\u2212]+\u00a0m?A\s+at 1\.50 ms/);
    await has("#waveform [aria-live]", /1\.50 milliseconds, voltage \d/);
    await page.keyboard.press("Escape");
    await has("#waveform .legend", /RMS/);
  });

  await check("freeze holds a waveform, resume goes on, and a hidden page does not ask", async () => {
    await page.getByRole("button", { name: "Freeze" }).click();
    await has("#waveform h2", /frozen at \d\d:\d\d:\d\d/);
    await page.waitForTimeout(300); // one may be under way
    const n = device.looks.length;
    const held = await text("#waveform .legend");
    await page.waitForTimeout(1200);
    assert.equal(device.looks.length, n);
    assert.equal(await text("#waveform .legend"), held);
    await page.getByRole("button", { name: "Resume" }).click();
    await until(() => device.looks.length > n + 1, 4, "it did not go on");
    const hide = (hidden) => page.evaluate((h) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => h });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    await hide(true);
    await page.waitForTimeout(300);
    const quiet = device.looks.length;
    await page.waitForTimeout(1200);
    assert.equal(device.looks.length, quiet);
    await hide(false);
    await until(() => device.looks.length > quiet, 4, "it did not ask again");
  });

  await check("clipping is said and marked, harmonics come as a list, and no samples are said so", async () => {
    set({ clips: true });
    await has("#c-scope", /Clipping: \d+ of 667 samples of the current/);
    const colours = () => page.evaluate(() => {
      const canvas = document.querySelector(".screen canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let red = 0;
      for (let i = 0; i < data.length; i += 4) red += data[i] > 150 && data[i + 1] < 80 && data[i + 2] < 80 && data[i + 3] > 200;
      return red;
    });
    await until(async () => (await colours()) > 20, 4, "no sample is marked");
    set({ clips: false });
    await has("#c-scope", /Nothing clips/);
    await until(async () => (await colours()) === 0, 4, "the marks stayed");
    assert.match(await page.locator(".bars").getAttribute("aria-label"), /Current: 3rd 12\.0 %\./);
    await page.getByRole("button", { name: "List harmonics" }).click();
    assert.equal(await page.locator("#waveform tbody tr").count(), 40);
    assert.match(await page.locator("#waveform tbody tr").nth(2).innerText(), /12\.0\u00a0%/);
    set({ asleep: true });
    await has("#waveform .problem", /no samples of 'kettle' now/);
    set({ asleep: false });
    await until(async () => (await page.locator("#waveform .problem").count()) === 0, 6, "the problem stayed");
  });

  await check("reduced motion moves nothing", async () => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    const moving = await page.locator(".track > span").first().evaluate((e) => getComputedStyle(e).transitionDuration);
    assert.match(moving, /^0s(, 0s)*$|^1e-/);
  });

  const axe = readFileSync(createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
  for (const [width, scheme] of [[1280, "light"], [360, "dark"]]) {
    await check(`the rules of accessibility find nothing at ${width} pixels, ${scheme}`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: scheme });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), []);
    });
  }
} finally {
  await close();
  await device.close();
}
done();
