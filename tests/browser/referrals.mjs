// A mediator at a browser, and the referrals recorded there: what the pages for people without an account begin with.

import assert from "node:assert/strict";
import { confirm, visitor } from "./browser.mjs";
import { SERVICE, api, invite } from "./installation.mjs";

/// Somebody signed in, of an organisation that has recorded nothing yet.
export async function mediator(page) {
  page ??= await visitor();
  await confirm(page, (await invite("Médiathèque de la Démonstration")).link);
  return page;
}

/// Asks the API with the session of a browser; what it answers.
export async function ask(page, method, path, data) {
  const answer = await page.context().request.fetch(SERVICE + path, { method, data, headers: { Origin: SERVICE } });
  const text = await answer.text();
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${text}`);
  return { ...(text && JSON.parse(text)), etag: answer.headers().etag };
}

/// Somebody of Rennes is referred, for the RSA and to the CAF unless told otherwise.
export function refer(page, told) {
  const usual = { procedure: "rsa", commune: "35238", mode: "information", target: { type: "institution", id: "caf" } };
  return ask(page, "POST", "/v1/referrals", { ...usual, ...told });
}

/// A place in Rennes that the demonstration knows.
export async function place(kind) {
  const { items } = await api("GET", `/v1/structures?commune=35238&kinds=${kind}&limit=100`);
  const [{ id }] = items.filter(({ name }) => name.includes("démonstration"));
  return { type: "structure", id };
}

/// A secret link by which the target of a referral answers.
export async function linkToTarget(page, referral) {
  const { url } = await ask(page, "POST", `/v1/referrals/${referral.id}/links`, { for: "target" });
  return url;
}

export function slipOf(referral, language) {
  return `${SERVICE}/v1/referrals/${referral.id}/slip${language ? `?lang=${language}` : ""}`;
}

export function codePage(referral, page = "", language = "fr") {
  return `${SERVICE}/c/${referral.code}${page}?lang=${language}`;
}
