// Opens every attack vector in the reader and asks what a person at the screen would: did anything
// run, load, lead away or cover the page? (web H1–H13, flow 5)
//
// node attacks.mjs ORIGIN; FULL=1 also opens each frame by itself in a window of its own, where
// otherwise every tenth is.

import { ALARM, finish, launch, person, pictures, watch } from "./harness.mjs";

/** Messages on one page. */
const BATCH = 24;

const [origin] = process.argv.slice(2);
const browser = await launch();
const faults = [];
const { vectors } = await (await fetch(`${origin}/vectors.json`)).json();

/** A fault with the name of its vector in place of the number in its address. */
const named = (fault) =>
  fault.replace(/\/(f|raw)\/(\d+)/g, (address, _kind, index) => `${address} (${vectors[index]})`);

/** What the page says about itself: the portal's own part, without the mail. */
const portal = () => ({
  spots: [0.02, 0.25, 0.5, 0.75, 0.98].map((share) => {
    const found = document.elementFromPoint(innerWidth * share, 24);
    return found?.closest("header.portal") ? "header" : (found?.outerHTML ?? "nothing").slice(0, 80);
  }),
  own: JSON.stringify([
    document.querySelector("header.portal").outerHTML,
    document.querySelectorAll("style, link, script").length,
    [...document.forms].map((form) => form.id),
    [...document.querySelectorAll("[id]")].map((element) => element.id),
    document.title,
    window.opener === null,
  ]),
});

/** Controls, and content that only a portal may have. */
const FOREIGN =
  "form, input, button, select, textarea, script, iframe, object, embed, svg, math, base, link, meta[http-equiv], video, audio";

async function pages(page, kind, check) {
  for (let from = 0; from < vectors.length; from += BATCH) {
    const path = `/${kind}/${from}-${Math.min(from + BATCH, vectors.length)}`;
    await page.goto(path, { waitUntil: "load" });
    await check(path);
    if (page.url() !== `${origin}${path}`) faults.push(`${path}: led away to ${page.url()}`);
  }
}

async function look(context, scripts) {
  const page = await context.newPage();
  const watched = watch(page, origin);
  await page.goto("/v/0-0");
  const empty = await page.evaluate(portal);
  await pages(page, "v", async (path) => {
    const complain = (what) => faults.push(named(`${path} (scripts ${scripts ? "on" : "off"}): ${what}`));
    const now = await page.evaluate(portal);
    if (now.spots.some((spot) => spot !== "header")) complain(`covers the page: ${now.spots}`);
    if (now.own !== empty.own) complain(`the page changed: ${now.own}`);
    for (const frame of page.frames()) {
      if (frame === page.mainFrame()) continue;
      if (!/\/f\/\d+$/.test(frame.url())) complain(`a frame went to ${frame.url()}`);
      const found = await frame.evaluate(
        (foreign) => [...document.querySelectorAll(foreign)].map((element) => element.outerHTML.slice(0, 80)),
        FOREIGN,
      );
      if (found.length > 0) complain(`${frame.url()} has ${found}`);
    }
    for (const fault of watched.faults()) complain(fault);
  });
  if (scripts) {
    const shown = vectors.indexOf("overlay/overlay-fixed");
    await page.goto(`/v/${shown}-${shown + 1}`);
    await pictures(page, process.env.PICTURES, "attack-overlay");
  }
  await page.close();
}

/** The frame by itself must be as safe as in the page: the policy carries its own sandbox. */
async function alone(context) {
  const page = await context.newPage();
  const watched = watch(page, origin);
  for (let index = 0; index < vectors.length; index += process.env.FULL ? 1 : 10) {
    const complain = (what) => faults.push(`${vectors[index]} (alone): ${what}`);
    const answer = await page.goto(`/f/${index}`, { waitUntil: "load" });
    if (answer.status() === 404) {
      watched.faults();
      continue;
    }
    if (page.url() !== `${origin}/f/${index}`) complain(`led away to ${page.url()}`);
    if ((await page.evaluate(() => window.origin)) !== "null") complain("has our origin");
    for (const fault of watched.faults()) complain(fault);
  }
  await page.close();
}

/** The layers behind the sanitiser: raw mail in the frame, held by policy and sandbox alone. */
async function unsanitised(context) {
  const page = await context.newPage();
  const watched = watch(page, origin);
  let stopped = 0;
  await pages(page, "w", async (path) => {
    for (const fault of watched.faults()) {
      // What was tried is written on the console, and a request is seen before it is stopped.
      if (fault.startsWith("console:") || fault.startsWith("request to")) stopped += 1;
      else faults.push(named(`${path} (raw): ${fault}`));
    }
  });
  if (stopped === 0) faults.push("nothing was tried: the vectors or the watch do not work");
  console.log(`policy and sandbox alone stopped ${stopped} attempts`);
  await page.close();
}

/** A watch that sees nothing would find nothing: it has to see an alarm, a request and a window. */
async function control(context) {
  const page = await context.newPage();
  const watched = watch(page, origin);
  await page.goto("/v/0-0");
  await page.evaluate(ALARM);
  await page.evaluate(() => void window.open("about:blank"));
  // The page's own policy would stop a request before it is one.
  await page.goto("about:blank");
  await page.evaluate(() => fetch("https://evil.example/").catch(() => {}));
  await page.waitForTimeout(200);
  const seen = watched.faults().join("\n");
  for (const what of ["a script ran", "request to", "console:", "window:"]) {
    if (!seen.includes(what)) faults.push(`the watch does not see: ${what}`);
  }
  await page.close();
}

let context = await person(browser, origin);
await control(context);
await look(context, true);
await alone(context);
await unsanitised(context);
await context.close();
context = await person(browser, origin, { scripts: false });
await look(context, false);
await context.close();

await browser.close();
finish("attacks", vectors.length, faults);
