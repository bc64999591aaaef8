// The pages as their readers meet them: on phones, on a tablet and on a desk, by day and by night, with whatever helps to read.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { askForLink, assertSays, confirm, postFromElsewhere, visitor } from "./browser.mjs";
import { SERVICE, api, invite, newAddress } from "./installation.mjs";
import { codePage, linkToTarget, mediator, place, refer, slipOf } from "./referrals.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const SCREENS = {
  small: { width: 320, height: 568 },
  phone: { width: 360, height: 740 },
  tablet: { width: 768, height: 1024 },
  desktop: { width: 1280, height: 900 },
};
const { SCREENSHOTS } = process.env;

/// How to come to each page, and what it says.
const PAGES = {
  home: async (page) => {
    await page.goto(SERVICE);
    return "Où réorienter cette personne";
  },
  "sign-in": async (page) => {
    await page.goto(`${SERVICE}/sign-in`);
    return "Connexion des agents de la communauté de communes";
  },
  "mail-sent": async (page) => {
    await askForLink(page, newAddress());
    return "Consultez votre messagerie";
  },
  "wrong-address": async (page) => {
    await page.goto(`${SERVICE}/sign-in`);
    // A browser finds nothing to say against it; the service wants a dot.
    await page.getByLabel("Votre adresse professionnelle").fill("accueil@mairie");
    await page.getByRole("button").click();
    await page.waitForURL(`${SERVICE}/sign-in/mail`);
    return "Corriger l'adresse";
  },
  link: async (page) => {
    await page.goto((await invite("Médiathèque intercommunale de démonstration des Trois-Rivières-et-Environs")).link);
    return "Vous agirez pour";
  },
  choice: async (page) => {
    const { email } = await invite("Médiathèque intercommunale de démonstration des Trois-Rivières-et-Environs");
    await page.goto((await invite("Maison des services", email)).link);
    return "Pour quelle organisation ?";
  },
  account: async (page) => {
    await confirm(page, (await invite("Médiathèque intercommunale de démonstration des Trois-Rivières-et-Environs")).link);
    return "Votre compte";
  },
  "used-link": async (page) => {
    await page.goto(`${SERVICE}/sign-in/link/none`);
    return "Ce lien ne sert plus";
  },
  refused: async (page) => {
    await postFromElsewhere(page, (await invite("Maison des services")).link);
    return "Connexion refusée";
  },
  away: async (page) => {
    await page.goto(`${SERVICE}/sign-in/with/away`);
    return "Connexion momentanément impossible";
  },
  privacy: async (page) => {
    await page.goto(`${SERVICE}/confidentialite`);
    return "Ce que nous ne notons pas";
  },
  code: async (page) => {
    await page.goto(`${SERVICE}/c`);
    return "Le code écrit sur votre papier";
  },
  "code-ar": async (page) => {
    await page.goto(`${SERVICE}/c?lang=ar`);
    return "الرمز المكتوب على ورقتكم";
  },
  "code-unknown": async (page) => {
    await page.goto(`${SERVICE}/c`);
    await page.getByLabel("Le code écrit sur votre papier").fill("12345 6789");
    await page.getByRole("button").click();
    return "Ce code n'est pas reconnu";
  },
  answer: async (page) => {
    await page.goto(codePage(await aReferral()));
    return "Avez-vous eu de l'aide ?";
  },
  "answer-ar": async (page) => {
    await page.goto(codePage(await aReferral(), "", "ar"));
    return "هل حصلتم على المساعدة؟";
  },
  "answer-uk": async (page) => {
    await page.goto(codePage(await aReferral(), "", "uk"));
    return "Вам допомогли?";
  },
  thanks: async (page) => {
    await page.goto(codePage(await aReferral()));
    await page.getByRole("button", { name: "En partie" }).click();
    return "Pourquoi ? (si vous voulez le dire)";
  },
  "thanks-ar": async (page) => {
    await page.goto(codePage(await aReferral(), "", "ar"));
    await page.locator("button[value=unresolved]").click();
    return "شكرًا";
  },
  "answered-before": async (page) => {
    const referral = await aReferral();
    await page.goto(codePage(referral));
    await page.getByRole("button", { name: "Oui, c'est réglé" }).click();
    await page.goto(codePage(referral));
    return "Vous avez déjà répondu : Oui, c'est réglé";
  },
  data: async (page) => {
    await page.goto(codePage(await aReferral(), "/data"));
    return "Voici ce que nous gardons avec ce code";
  },
  "data-ar": async (page) => {
    await page.goto(codePage(await aReferral(), "/data", "ar"));
    return "Espace France services de démonstration";
  },
  erase: async (page) => {
    await page.goto(codePage(await aReferral(), "/erase"));
    return "Le code ne marchera plus";
  },
  erased: async (page) => {
    await page.goto(codePage(await aReferral(), "/erase"));
    await page.getByRole("button", { name: "Oui, tout effacer" }).click();
    return "Plus rien n'est gardé avec ce code";
  },
  target: async (page) => {
    await page.goto(await aLink());
    for (const part of await page.locator("summary").all()) await part.click();
    return "Où cela en est en attente de votre réponse";
  },
  "target-answered": async (page) => {
    await page.goto(await aLink());
    await page.getByRole("button", { name: "Nous la recevons" }).click();
    return "C'est en cours";
  },
  "target-error": async (page) => {
    await page.goto(await aLink());
    await page.getByText("Je ne peux pas recevoir cette personne").click();
    const form = page.locator("details[open]");
    await form.getByLabel("Pourquoi ?").selectOption("other");
    await form.getByLabel("Précision").fill("Rappeler au 06 12 34 56 78");
    await form.getByRole("button").click();
    return "La précision semble contenir un numéro";
  },
  "target-link-ended": async (page) => {
    await page.goto(`${SERVICE}/s/${"0".repeat(64)}`);
    return "Demander un autre lien";
  },
  "target-link-asked": async (page) => {
    await page.goto(`${SERVICE}/s/${"0".repeat(64)}`);
    await page.getByRole("button", { name: "Demander un autre lien" }).click();
    return "Demande prise en compte";
  },
  slip: async (page) => {
    await mediator(page);
    await page.goto(slipOf(await refer(page, { target: await place("france-services") })));
    return "Gardez ce papier";
  },
  "slip-ar": async (page) => {
    await mediator(page);
    await page.goto(slipOf(await refer(page, { target: await place("france-services") }), "ar"));
    return "احتفظوا بهذه الورقة";
  },
};

let agent;

/// One more referral to a place in Rennes, by the same agent.
async function aReferral() {
  agent ??= await mediator();
  return refer(agent, { mode: "warm", target: await place("france-services") });
}

async function aLink() {
  const referral = await aReferral();
  return linkToTarget(agent, referral);
}

describe("the pages", async () => {
  // Nobody answers at its address; its name is long.
  await api("POST", "/v1/issuers", {
    slug: "away",
    label: "Connexion des agents de la communauté de communes",
    url: "http://127.0.0.1:9",
    audiences: ["aiguilleur"],
    client_id: "aiguilleur",
  });
  for (const [name, open] of Object.entries(PAGES)) {
    it(`${name}: can be read by everybody, and asks nothing of others`, async () => {
      const page = await visitor();
      await assertSays(page, await open(page));
      for (const [screen, size] of Object.entries(SCREENS)) {
        await page.setViewportSize(size);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= size.width, `${width} px wide on a screen of ${size.width}`);
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme });
          if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}-${screen}-${colorScheme}.png`, fullPage: true });
          assert.deepEqual(await violations(page), [], `${screen}, ${colorScheme}`);
        }
      }
      assert.deepEqual(page.strays, []);
    });
  }
});

/// What axe holds against the page that stands.
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate((tags) => axe.run({ runOnly: tags }), WCAG);
  // Far fewer, and it wasn't the page that was read.
  assert.ok(found.passes.length >= 8, `${found.passes.length} rules applied`);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
}
