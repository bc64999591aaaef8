// The system's Chromium: people at their browsers, and what they do there.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { SERVICE } from "./installation.mjs";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Nothing but this machine is reached, whatever a page wants.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
  ],
});
after(() => browser.close());

/// Somebody at a browser that was never used. `strays` tells what the service's pages asked of others.
export async function visitor(options) {
  const context = await browser.newContext({ locale: "fr-FR", ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.strays = [];
  page.on("request", (request) => {
    const isOfOurs = !request.isNavigationRequest() && request.frame().url().startsWith(SERVICE);
    if (isOfOurs && !request.url().startsWith(SERVICE)) page.strays.push(request.url());
  });
  return page;
}

export async function session(page) {
  const cookies = await page.context().cookies(SERVICE);
  return cookies.find(({ name }) => name === "aiguilleur");
}

/// Opens a link of a mail, and confirms.
export async function confirm(page, link) {
  await page.goto(link);
  await page.getByRole("button", { name: "Me connecter" }).click();
  await page.waitForURL(`${SERVICE}/account`);
}

export async function askForLink(page, email) {
  await page.goto(`${SERVICE}/sign-in`);
  await page.getByLabel("Votre adresse professionnelle").fill(email);
  await page.getByRole("button", { name: "Recevoir un lien de connexion" }).click();
  await page.getByRole("heading", { name: "Consultez votre messagerie" }).waitFor();
}

/// Goes to a page of another site (localhost isn't 127.0.0.1), whose form sends the browser to `url`.
export async function postFromElsewhere(page, url) {
  const form = `<!doctype html><title>Ailleurs</title><form method="post" action="${url}"><button>Gagner</button></form>`;
  const site = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(form)).listen(0, "127.0.0.1");
  await once(site, "listening");
  await page.goto(`http://localhost:${site.address().port}`);
  await page.getByRole("button", { name: "Gagner" }).click();
  await page.waitForURL(`${SERVICE}/**`);
  site.close();
  site.closeAllConnections();
}

export async function textOf(page) {
  return page.locator("main").innerText();
}

/// Fails unless the page that stands says so; reads it whole, which tells more than a phrase that wasn't found.
export async function assertSays(page, ...phrases) {
  const text = (await textOf(page)).replace(/\s+/g, " ");
  for (const phrase of phrases) assert.ok(text.includes(phrase), `« ${phrase} » isn't said at ${page.url()}: ${text}`);
}
