/*
 * The page in a real browser against any device: the daemon on the virtual plant, or the fake one.
 *
 *   node tests/web/smoke.mjs http://127.0.0.1:PORT
 *
 * Prints TAP. HEATWATT_SHOTS=DIR saves screenshots; HEATWATT_CHANNELS=N sets how many circuits the
 * device must show (default 14).
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openBrowser, openPage, ink } from "./browser.mjs";
import { check, done, until } from "./tap.mjs";

const base = process.argv[2];
if (!base) {
  console.error("usage: node tests/web/smoke.mjs BASE_URL");
  process.exit(2);
}
const shots = process.env.HEATWATT_SHOTS;
const channels = Number(process.env.HEATWATT_CHANNELS ?? 14);
if (shots) mkdirSync(shots, { recursive: true });

const { context, close } = await openBrowser();
const { page, seen } = await openPage(context, base);
const shot = async (name) => shots && page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
const values = () => page.locator(".pump .value, .circuits .value").allInnerTexts();
const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

try {
  await check("the page shows live values of the device", async () => {
    await page.locator(".link.live").waitFor({ timeout: 10_000 });
    const device = await (await fetch(new URL("/api/v1/live", base))).json();
    assert.equal(await page.locator("h1").innerText(), device.site);
    assert.match(await page.locator('[data-part="elec"] .value').innerText(), /\d.*W/);
  });

  await check("values move within five seconds", async () => {
    const before = (await values()).join();
    await until(async () => (await values()).join() !== before, 5, "no value changed");
  });

  await check(`${channels} circuits are listed, each with a name and a value or a dash`, async () => {
    const rows = page.locator("[data-circuit]");
    assert.equal(await rows.count(), channels);
    for (const row of await rows.all()) {
      assert.ok((await row.locator(".name").innerText()).trim().length > 0);
      assert.match(await row.locator(".watt").innerText(), /\d|\u2014/);
    }
  });

  await check("two charts are drawn", async () => {
    assert.equal(await page.locator(".chart canvas").count(), 2);
    for (const n of [0, 1]) {
      await until(async () => (await ink(page, n)).colours >= 3, 10, `chart ${n + 1} stayed empty`);
    }
    assert.equal(await page.locator(".problem").count(), 0);
  });

  await check("where the values come from is said", async () => {
    const { provenance } = await (await fetch(new URL("/api/v1/live", base))).json();
    const badge = page.locator(`.top .badge.${provenance}`);
    assert.equal(await badge.count(), provenance === "measured" ? 0 : 1);
  });
  await shot("desktop-light");

  await check("the keyboard reaches the ranges and changes one", async () => {
    await page.evaluate(() => document.activeElement?.blur());
    const pressed = page.locator('.ranges button[aria-pressed="true"]');
    await until(async () => {
      await page.keyboard.press("Tab");
      return page.evaluate(() => document.activeElement?.closest(".ranges") !== null);
    }, 10, "the tabulator did not reach a range");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await pressed.innerText(), "7 d");
    await page.keyboard.press("3");
    assert.equal(await pressed.innerText(), "30 d");
    await until(async () => (await page.locator(".trend").getAttribute("aria-busy")) === "false", 10, "30 days did not load");
    assert.equal(await page.locator(".problem").count(), 0);
    await shot("desktop-30d");
    await page.keyboard.press("1");
    assert.equal(await pressed.innerText(), "24 h");
  });

  await check("arrow keys read a chart out", async () => {
    await page.locator(".chart").first().focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    const spoken = page.locator(".trend [aria-live]");
    await until(async () => /Electricity/.test(await spoken.innerText()), 5, "nothing was announced");
  });

  await check("a table shows the same as the charts", async () => {
    await page.getByRole("button", { name: "Show table" }).click();
    assert.ok((await page.locator(".trend tbody tr").count()) >= 24);
    await page.getByRole("button", { name: "Hide table" }).click();
  });

  await check("the scope draws a clamp's volts and amperes, and freeze holds them", async () => {
    const legend = page.locator("#waveform .legend");
    const shown = async () => (await legend.innerText()).replace(/\s+/g, " ");
    await page.locator("#waveform").scrollIntoViewIfNeeded();
    await legend.waitFor({ timeout: 5000 });
    const device = await (await fetch(new URL(`/api/v1/waveform?channel=${await page.locator("#waveform select").inputValue()}`, base))).json();
    assert.match(await shown(), /Voltage [\d.]+ V RMS Current [\d.,]+ m?A RMS/);
    const volts = Number((await shown()).match(/Voltage ([\d.]+) V/)[1]);
    assert.ok(Math.abs(volts - device.voltage.rms) < 0.1 * volts, `${volts} V, and the device has ${device.voltage.rms}`);
    assert.match(await page.locator("#c-scope").innerText(), /(Nothing clips|Clipping: \d+ of).*Noise/s);
    const drawn = await page.locator(".screen canvas").evaluate((c) => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 128).length);
    assert.ok(drawn > 2000, `${drawn} pixels`);
    await shot("desktop-scope");
    await page.getByRole("button", { name: "Freeze" }).click();
    await page.waitForTimeout(400);
    const held = await shown();
    await page.waitForTimeout(1500);
    assert.equal(await shown(), held);
    await page.getByRole("button", { name: "Resume" }).click();
    await page.evaluate(() => scrollTo(0, 0));
  });

  await check("the calibration card has each voltage and clamp, and tries a reading", async () => {
    const { inputs } = await (await fetch(new URL("/api/v1/calibration", base))).json();
    const card = page.locator("#calibration");
    assert.deepEqual(await card.locator("[data-input]").evaluateAll((all) => all.map((e) => e.dataset.input)), inputs.map((i) => i.id));
    for (const i of inputs.filter((x) => x.model)) assert.ok((await card.locator(`[data-input="${i.id}"]`).innerText()).includes(i.model));
    const { channels: now } = await (await fetch(new URL("/api/v1/live", base))).json();
    const here = now.find((c) => c.source === inputs.find((i) => i.kind === "voltage").id && c.quantity === "voltage").value;
    await card.getByRole("spinbutton", { name: "It shows, in V" }).fill(`${(1.02 * here).toFixed(1)}`);
    await card.getByRole("button", { name: "Try", exact: true }).click();
    await card.locator(".result").waitFor({ timeout: 5000 });
    const change = Number((await card.locator(".result").innerText()).match(/changes by \+([\d.]+)/)[1]);
    assert.ok(change > 1 && change < 3, `2 % more changes what is read by ${change} %`);
    await shot("desktop-calibration");
    await page.evaluate(() => scrollTo(0, 0));
  });

  await check("dark colours change the background", async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.emulateMedia({ colorScheme: "light" });
    const light = await background();
    await page.emulateMedia({ colorScheme: "dark" });
    await until(async () => (await background()) !== light, 2, "the background did not change with the system");
    await page.emulateMedia({ colorScheme: "light" });
    const button = page.getByRole("button", { name: /^Colours/ });
    await button.click();
    await button.click();
    assert.notEqual(await background(), light);
    await shot("desktop-dark");
    await page.setViewportSize({ width: 360, height: 780 });
    await page.waitForTimeout(600);
    await shot("phone-dark");
    await button.click();
  });

  await check("360 pixels are wide enough, and 320", async () => {
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 780 });
      await until(async () => (await overflow()) <= 0, 3, `the page is wider than ${width} pixels`);
    }
    await page.setViewportSize({ width: 360, height: 780 });
    await page.waitForTimeout(600);
    await shot("phone-light");
  });

  await check("buttons and links are at least 44 pixels", async () => {
    const small = await page.locator("main button, main a, .top button").evaluateAll((all) =>
      all.map((e) => [e.textContent || e.ariaLabel, e.getBoundingClientRect()])
        .filter(([, r]) => r.width < 44 || r.height < 44).map(([name]) => name));
    assert.deepEqual(small, []);
  });

  await check("no request leaves the device", async () => {
    assert.deepEqual([...seen.hosts.keys()], [new URL(base).origin]);
  });

  await check("the console has no error", async () => {
    assert.deepEqual(seen.errors, []);
  });
} finally {
  await close();
}
done();
