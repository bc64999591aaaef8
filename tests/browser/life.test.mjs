// What becomes of a referral, at the hands of those who have no account: the person and the target.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { assertSays, visitor } from "./browser.mjs";
import { SERVICE, api } from "./installation.mjs";
import { ask, codePage, linkToTarget, mediator, place, refer, slipOf } from "./referrals.mjs";

const run = promisify(execFile);
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const MILLIMETRE = 96 / 25.4;

describe("a need, from the counter to the figures", () => {
  let page, referral, scanned;
  before(async () => {
    page = await mediator();
    referral = await refer(page, { target: await place("france-services") });
  });

  it("goes along on paper, with a square that a telephone reads", async () => {
    await page.goto(slipOf(referral));
    const { pages, codes } = await printed(page);
    assert.equal(pages, 1);
    assert.deepEqual(codes, [`${SERVICE}/c/${referral.code}`]);
    [scanned] = codes;
    await page.emulateMedia({ media: "print" });
    const square = await page.locator("svg path").boundingBox();
    assert.ok(Math.min(square.width, square.height) >= 30 * MILLIMETRE, `${square.width / MILLIMETRE} mm wide`);
    await page.emulateMedia({ media: null });
  });

  it("is answered by the person in two taps, without script, cookie or account", async () => {
    const person = await visitor({ ...PHONE, javaScriptEnabled: false });
    await person.goto(scanned);
    await person.getByRole("button", { name: "Non, pas encore" }).tap();
    await person.getByRole("heading", { name: "Merci" }).waitFor();
    await person.getByRole("button", { name: "Il me manquait un document" }).tap();
    await person.getByRole("heading", { name: "Pourquoi" }).waitFor({ state: "detached" });
    await assertSays(person, "Merci", "retourner voir la personne qui vous a donné ce papier");
    assert.deepEqual(await person.context().cookies(), []);
    assert.deepEqual(person.strays, []);
  });

  it("is answered once, however often the answer is sent", async () => {
    const { outcomes } = await ask(page, "GET", `/v1/referrals/${referral.id}`);
    const person = await visitor(PHONE);
    await person.goto(scanned);
    await assertSays(person, "Vous avez déjà répondu : Non, pas encore");
    await person.getByRole("button", { name: "Non, pas encore" }).tap();
    await person.getByRole("heading", { name: "Merci" }).waitFor();
    await person.reload();
    const again = await ask(page, "GET", `/v1/referrals/${referral.id}`);
    assert.deepEqual(again.outcomes, outcomes);
  });

  it("comes to the mediator's notice, and to the figures", async () => {
    const { outcomes } = await ask(page, "GET", `/v1/referrals/${referral.id}`);
    const told = outcomes.map(({ outcome, reported_by, reason }) => [outcome, reported_by, reason]);
    assert.deepEqual(told, [["unresolved", "person", null], ["unresolved", "person", "missing_documents"]]);
    const { items } = await ask(page, "GET", "/v1/stats/referrals?group_by=target_kind&scope=own");
    const [{ key, referrals, known_outcome_rate_pct, resolved_rate_pct }] = items;
    assert.deepEqual([items.length, key, referrals, known_outcome_rate_pct, resolved_rate_pct], [1, "france-services", 1, 100, 0]);
  });

  it("is found by a code that is typed as people type", async () => {
    const person = await visitor({ ...PHONE, javaScriptEnabled: false });
    await person.goto(`${SERVICE}/c`);
    const [first, last] = [referral.code.slice(0, 5), referral.code.slice(5)];
    await person.getByLabel("Le code écrit sur votre papier").fill(` ${first.toLowerCase()} - ${last.toLowerCase()} `);
    await person.getByRole("button", { name: "Continuer" }).tap();
    await person.waitForURL(codePage(referral));
    await assertSays(person, "Avez-vous eu de l'aide ?");
  });
});

describe("the slip", () => {
  // The one with most documents, and those with a long name.
  const cases = {
    "with many documents": { procedure: "aeeh", kind: "guichet" },
    "with a long name": { procedure: "changement-nom-prenom", kind: "centre-social" },
    "to a body": {},
    "to a number": { target: { type: "hotline", id: "3230" } },
    "that is discreet": { procedure: "asile", kind: "spada" },
  };
  let page, from;
  before(async () => {
    page = await mediator();
    from = (await place("france-services")).id;
  });
  for (const [name, { kind, ...told }] of Object.entries(cases)) {
    it(`${name} fits on one page, alone and beside each other language`, async () => {
      const target = kind && { target: await place(kind) };
      const referral = await refer(page, { ...told, ...target, made_at_structure: from });
      for (const language of ["", "ar", "en", "pt", "tr", "uk"]) {
        await page.goto(slipOf(referral, language));
        const { pages, codes } = await printed(page);
        assert.deepEqual([pages, codes], [1, [`${SERVICE}/c/${referral.code}`]], language);
      }
    });
  }

  it("cuts nothing off at its edges", async () => {
    const referral = await refer(page, { procedure: "aeeh", target: await place("centre-social"), made_at_structure: from });
    await page.emulateMedia({ media: "print" });
    // An A4 page less its margins.
    await page.setViewportSize({ width: Math.floor(186 * MILLIMETRE), height: 1000 });
    for (const language of ["", "ar", "uk"]) {
      await page.goto(slipOf(referral, language));
      const cut = await page.evaluate(() => {
        const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
        return wide.map((one) => one.outerHTML);
      });
      assert.deepEqual(cut, [], language);
    }
  });
});

describe("a page in Arabic", () => {
  it("reads from right to left, and stays in Arabic", async () => {
    const referral = await refer(await mediator());
    const person = await visitor({ ...PHONE, locale: "ar", javaScriptEnabled: true });
    // Nothing but the browser's language says so.
    await person.goto(`${SERVICE}/c/${referral.code}`);
    const heading = await readingSide(person);
    assert.deepEqual(heading, { language: "ar", direction: "rtl", begins: "right" });
    await person.getByRole("button").first().tap();
    await person.getByRole("heading", { name: "شكرًا" }).waitFor();
    assert.deepEqual(await readingSide(person), heading);
    await person.getByRole("link", { name: "Français" }).tap();
    await person.waitForURL("**lang=fr");
    assert.deepEqual(await readingSide(person), { language: "fr", direction: "ltr", begins: "left" });
  });
});

describe("a link for a target", () => {
  let page, referral, link;
  const state = () => ask(page, "GET", `/v1/referrals/${referral.id}`);
  before(async () => {
    page = await mediator();
    referral = await refer(page, { mode: "warm", target: await place("france-services") });
    link = await linkToTarget(page, referral);
  });

  it("isn't used up by a scanner of mails, which opens everything it finds", async () => {
    const before = await state();
    const scanner = await visitor();
    await scanner.goto(link);
    const found = await scanner.evaluate(() => {
      const filled = (form, button) => {
        const fields = new URLSearchParams(new FormData(form, button));
        return `${form.action}?${fields}`;
      };
      const forms = [...document.forms].flatMap((form) => [form.action, ...[...form.querySelectorAll("button")].map((one) => filled(form, one))]);
      return [...new Set([...forms, ...[...document.links].map((one) => one.href)])];
    });
    assert.ok(found.some((address) => address.endsWith("to=accepted")), found.join("\n"));
    const ours = [link, ...found].filter((address) => address.startsWith(SERVICE));
    for (let round = 0; round < 3; round++) {
      for (const address of ours) {
        for (const method of ["HEAD", "GET"]) assert.ok((await fetch(address, { method })).status < 500, address);
      }
    }
    assert.deepEqual(await state(), before);
  });

  it("lets the target accept, which the mediator sees", async () => {
    const target = await visitor({ ...PHONE, javaScriptEnabled: false });
    await target.goto(link);
    await assertSays(target, "Demander le RSA", "en attente de votre réponse");
    await target.getByRole("button", { name: "Nous la recevons" }).tap();
    await target.getByRole("button", { name: "C'est en cours" }).waitFor();
    await assertSays(target, "Où cela en est acceptée");
    assert.deepEqual([await target.context().cookies(), target.strays], [[], []]);
    const { status, handoffs } = await state();
    const { actor, to } = handoffs[0].events.at(-1);
    assert.deepEqual([status, actor, to], ["accepted", "target", "accepted"]);
  });

  it("changes nothing from a page that is no longer true, and says so", async () => {
    const [one, other] = [await visitor(), await visitor()];
    for (const target of [one, other]) await target.goto(link);
    await one.getByRole("button", { name: "C'est en cours" }).click();
    await one.getByRole("button", { name: "C'est fait" }).waitFor();
    const before = await state();
    await other.getByText("Cela n'a pas abouti").click();
    const form = other.locator("details[open]");
    await form.getByLabel("Pourquoi ?").selectOption({ label: "n'est pas venue" });
    await form.getByRole("button", { name: "Envoyer" }).click();
    await other.getByRole("alert").waitFor();
    await assertSays(other, "Quelqu'un d'autre a répondu entre-temps", "Rien n'a été changé par vous", "Où cela en est en cours");
    assert.deepEqual(await state(), before);
  });

  it("asks for a reason where one is wanted", async () => {
    const target = await visitor({ javaScriptEnabled: false });
    await target.goto(link);
    await target.getByText("Cela n'a pas abouti").click();
    const form = target.locator("details[open]");
    await form.getByLabel("Précision").fill("06 12 34 56 78");
    await form.getByLabel("Pourquoi ?").selectOption({ label: "autre raison" });
    await form.getByRole("button", { name: "Envoyer" }).click();
    await assertSays(target, "un numéro ou une adresse qui désigne la personne");
    assert.equal((await state()).status, "in_progress");
  });

  it("serves no more once another replaced it, and tells nobody which links there were", async () => {
    const renewed = await linkToTarget(page, referral);
    const told = [];
    const tokens = [link.split("/").pop(), "f".repeat(64), link.split("/").pop().slice(0, 20)];
    for (const token of tokens) {
      const target = await visitor({ javaScriptEnabled: false });
      const answer = await target.goto(`${SERVICE}/s/${token}`);
      assert.equal(answer.status(), 404);
      const shown = (await target.content()).replace(token, "");
      await target.getByRole("button", { name: "Demander un autre lien" }).click();
      await assertSays(target, "Demande prise en compte");
      told.push(shown + (await target.content()));
    }
    assert.deepEqual(told, [told[0], told[0], told[0]]);
    assert.equal((await fetch(renewed)).status, 200);
  });
});

describe("what is kept with a code", () => {
  let page, referral, person;
  before(async () => {
    page = await mediator();
    referral = await refer(page, { target: await place("france-services"), minutes_spent: 15 });
    person = await visitor(PHONE);
  });

  it("is shown, and downloaded as a file that doesn't tell the agent", async () => {
    await person.goto(codePage(referral));
    await person.getByRole("link", { name: "Vos données", exact: true }).tap();
    await assertSays(person, "Demander le RSA", "Rennes", "Espace France services de démonstration");
    const arriving = person.waitForEvent("download");
    await person.getByRole("link", { name: "Télécharger ce qui est gardé" }).tap();
    const download = await arriving;
    assert.equal(download.suggestedFilename(), "aiguilleur.json");
    const text = await readFile(await download.path(), "utf8");
    const { code, procedure, minutes_spent, attempts } = JSON.parse(text);
    assert.deepEqual([code, procedure, minutes_spent, attempts.length], [referral.code, "rsa", 15, 1]);
    const { subject } = await ask(page, "GET", "/v1/me");
    assert.ok(!text.includes("created_by") && !text.includes(subject), text);
  });

  it("is erased for good, by whoever holds it, who is asked once more", async () => {
    await person.getByRole("link", { name: "Tout effacer" }).tap();
    await assertSays(person, "Le code ne marchera plus");
    assert.equal((await ask(page, "GET", `/v1/referrals/${referral.id}`)).code, referral.code);
    await person.getByRole("button", { name: "Oui, tout effacer" }).tap();
    await person.getByRole("heading", { name: "C'est effacé" }).waitFor();
    for (const path of ["", "/data", "/data.json", "/erase"]) {
      const answer = await person.goto(codePage(referral, path));
      assert.equal(answer.status(), 404, path);
      await assertSays(person, "Ce code n'est pas reconnu");
    }
    const answer = await page.context().request.get(`${SERVICE}/v1/referrals/${referral.id}`);
    assert.equal(answer.status(), 404);
  });
});

describe("what is sensitive", () => {
  it("is named neither on the slip nor with the code, whoever finds them", async () => {
    const page = await mediator();
    const { items } = await api("GET", "/v1/procedures?limit=100");
    const sensitive = items.filter((one) => one.sensitive);
    assert.ok(sensitive.length >= 5, `${sensitive.length} sensitive procedures`);
    // Others are named there, and that is found.
    const plain = await page.context().request.get(slipOf(await refer(page)));
    for (const name of ["Demander le RSA", "Caisse d'allocations familiales"]) assert.ok(holds(await plain.text(), name), name);
    for (const procedure of sensitive) {
      const institution = await api("GET", `/v1/institutions/${procedure.institution.slug}`);
      const names = [procedure.slug, procedure.label, ...procedure.synonyms, institution.label, institution.name];
      const numbers = [procedure.hotline?.phone, institution.phone].filter(Boolean);
      const told = [...names, ...numbers, ...numbers.map((number) => number.replace(/^\+33/, "0").replace(/(..)(?=.)/g, "$1 "))];
      const places = [{ type: "institution", id: procedure.institution.slug }];
      if (procedure.slug === "asile") places.push(await place("spada"));
      for (const target of places) {
        const referral = await refer(page, { procedure: procedure.slug, target });
        const papers = ["", "ar"].map((language) => slipOf(referral, language));
        const pages = ["", "/data", "/data.json", "/erase"].map((path) => codePage(referral, path));
        for (const address of [...papers, ...pages]) {
          const answer = await page.context().request.get(address);
          assert.equal(answer.status(), 200, address);
          const text = await answer.text();
          const leaks = told.filter((name) => holds(text, name));
          assert.deepEqual(leaks, [], `${procedure.slug}, ${address}`);
        }
      }
    }
  });
});

/// A page as it comes out of a printer: how many sheets, and what a telephone reads in the squares on the first.
async function printed(page) {
  const folder = await mkdtemp(join(tmpdir(), "slip-"));
  try {
    const pdf = join(folder, "slip.pdf");
    await writeFile(pdf, await page.pdf({ preferCSSPageSize: true }));
    const { stdout: about } = await run("pdfinfo", [pdf]);
    assert.match(about, /Page size:.*A4/);
    await run("pdftoppm", ["-r", "150", "-gray", "-png", "-singlefile", pdf, join(folder, "slip")]);
    const { stdout } = await run("zbarimg", ["--quiet", "--raw", join(folder, "slip.png")]);
    return { pages: Number(about.match(/Pages:\s+(\d+)/)[1]), codes: stdout.trim().split("\n") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/// The language of a page, and at which side its heading begins.
function readingSide(page) {
  return page.evaluate(() => {
    const { lang, dir } = document.documentElement;
    const words = document.createRange();
    words.selectNodeContents(document.querySelector("h1"));
    const [text, main] = [words.getBoundingClientRect(), document.querySelector("main").getBoundingClientRect()];
    const begins = main.right - text.right < text.left - main.left ? "right" : "left";
    return { language: lang, direction: dir, begins };
  });
}

/// Whether a page or a file, as it is sent, holds a name as whole words.
function holds(sent, name) {
  const letter = (_, code) => String.fromCodePoint(Number.parseInt(code, 16));
  const text = sent.replaceAll(/&#x([0-9a-f]+);/gi, letter).replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  const plain = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\d])${plain}(?![\\p{L}\\d])`, "iu").test(text);
}
