// Signing in by the links in mails, and being signed in.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { askForLink, assertSays, confirm, postFromElsewhere, session, visitor } from "./browser.mjs";
import { SERVICE, api, eventually, invite, linkIn, log, me, newAddress, nextMail } from "./installation.mjs";

describe("an invitation", () => {
  const name = "Médiathèque de l'Île-aux-Œufs";
  let guest, page, opening;
  before(async () => {
    guest = await invite(name);
    page = await visitor();
  });
  const statuses = async () => {
    const { items } = await api("GET", `/v1/organisations/${guest.host.id}/members`);
    return items.map((member) => member.status);
  };

  it("arrives by mail, in French that any mail program reads", () => {
    const { mail, email } = guest;
    assert.deepEqual([mail.to, mail.from], [[email], "Aiguilleur <ne-pas-repondre@exemple.fr>"]);
    assert.equal(mail.subject, "Votre invitation à Aiguilleur");
    assert.match(mail.text, new RegExp(`${name} vous invite .*« où réorienter cette personne, pour cette démarche \\? »`));
    assert.deepEqual([mail.type, mail.is_ascii, mail.faults], ["text/plain", true, []]);
    assert.ok(guest.link.startsWith(`${SERVICE}/sign-in/link/`), guest.link);
  });

  it("isn't used up by a scanner of mails that opens its link", async () => {
    for (const method of ["GET", "HEAD", "GET"]) {
      const answer = await fetch(guest.link, { method });
      assert.equal(answer.headers.get("set-cookie"), null);
      if (method === "GET") assert.equal(answer.status, 200);
    }
    assert.deepEqual(await statuses(), ["invited"]);
  });

  it("leaves neither its link nor an address in the log", async () => {
    const written = await log();
    assert.ok(written.includes("/sign-in/link/"), "visits are logged");
    assert.ok(!written.includes(guest.link.split("/").pop()), "a link that is still good stands in the log");
    assert.ok(!written.includes(guest.email), "an address stands in the log");
  });

  it("names the organisation, then signs in whoever confirms", async () => {
    await page.goto(guest.link);
    await assertSays(page, `Vous agirez pour : ${name}`);
    const answer = page.waitForResponse((answer) => answer.request().method() === "POST");
    await page.getByRole("button", { name: "Me connecter" }).click();
    opening = await answer;
    await page.waitForURL(`${SERVICE}/account`);
    await assertSays(page, name, "médiateur ou médiatrice");
    assert.deepEqual(await statuses(), ["active"]);
  });

  it("opens a session that no script reads, for a working day", async () => {
    const { httpOnly, sameSite, path, expires } = await session(page);
    assert.deepEqual({ httpOnly, sameSite, path }, { httpOnly: true, sameSite: "Lax", path: "/" });
    assert.equal(await page.evaluate(() => document.cookie), "");
    // Chromium takes a cookie that doesn't say for Lax; others don't.
    assert.match(await opening.headerValue("set-cookie"), /^aiguilleur=[^;]+;.*SameSite=Lax/m);
    const hours = (expires - Date.now() / 1000) / 3600;
    assert.ok(hours > 9.9 && hours <= 10, `${hours} hours`);
  });

  it("gives the browser the member's rights in the API", async () => {
    const answer = await page.context().request.get(`${SERVICE}/v1/me`);
    const { organisation, roles, subject } = await answer.json();
    assert.deepEqual([organisation, roles], [{ id: guest.host.id, slug: guest.host.slug, name }, ["mediator"]]);
    assert.equal(subject, guest.member.subject);
  });

  it("serves once", async () => {
    const answer = await page.goto(guest.link);
    assert.equal(answer.status(), 404);
    await assertSays(page, "Ce lien ne sert plus");
  });
});

describe("a link asked for on the sign-in page", () => {
  let guest, page;
  before(async () => {
    guest = await invite("Maison du numérique");
    page = await visitor();
  });

  it("is promised to anybody in the same words, and sent to members alone", async () => {
    const nobody = newAddress();
    await askForLink(page, nobody);
    const told = await page.content();
    await askForLink(page, guest.email);
    assert.equal(await page.content(), told.replaceAll(nobody, guest.email));
    const mail = await nextMail(guest.email);
    assert.equal(mail.subject, "Votre connexion à Aiguilleur");
    guest.link = linkIn(mail);
    // It was asked for first: it would be here by now.
    await assert.rejects(nextMail(nobody, 1_000), /no mail/);
  });

  it("signs its member in", async () => {
    await confirm(page, guest.link);
    await assertSays(page, "Maison du numérique");
  });

  it("lets choose among several organisations", async () => {
    const { link } = await invite("Bibliothèque du Port", guest.email);
    await page.goto(link);
    await page.getByRole("radio", { name: "Bibliothèque du Port" }).check();
    await page.getByRole("button", { name: "Me connecter" }).click();
    await page.waitForURL(`${SERVICE}/account`);
    await assertSays(page, "Bibliothèque du Port");
  });
});

describe("a session", () => {
  let guest, page, token;
  const open = async (name) => {
    guest = await invite(name);
    page = await visitor();
    await confirm(page, guest.link);
    token = (await session(page)).value;
    assert.equal((await me({ session: token })).status, 200);
  };

  it("ends with « Me déconnecter », wherever its cookie was copied", async () => {
    await open("Point d'accueil");
    await page.getByRole("button", { name: "Me déconnecter" }).click();
    await page.waitForURL(`${SERVICE}/sign-in`);
    assert.equal(await session(page), undefined);
    assert.equal((await me({ session: token })).status, 401);
    await page.goto(`${SERVICE}/account`);
    assert.equal(page.url(), `${SERVICE}/sign-in`);
  });

  it("ends within five seconds for a member who is removed", async () => {
    await open("Relais des services");
    await api("DELETE", `/v1/organisations/${guest.host.id}/members/${guest.member.id}`);
    await eventually(5_000, async () => assert.equal((await me({ session: token })).status, 401));
    await page.goto(`${SERVICE}/account`);
    assert.equal(page.url(), `${SERVICE}/sign-in`);
  });

  it("isn't ended by another site's page", async () => {
    await open("Guichet de quartier");
    await postFromElsewhere(page, `${SERVICE}/sign-out`);
    await page.goto(`${SERVICE}/account`);
    await assertSays(page, "Guichet de quartier");
  });

  it("isn't opened by another site's page", async () => {
    const { link } = await invite("Espace public");
    const page = await visitor();
    await postFromElsewhere(page, link);
    await assertSays(page, "Connexion refusée");
    assert.equal(await session(page), undefined);
    await confirm(page, link);
  });
});
