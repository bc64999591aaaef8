// The pages that lead to a session, as their readers meet them: on a phone and on a desk, by day and by night, with whatever helps to read.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { askForLink, assertSays, confirm, postFromElsewhere, visitor } from "./browser.mjs";
import { SERVICE, api, invite, newAddress } from "./installation.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const SCREENS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } };
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
};

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
