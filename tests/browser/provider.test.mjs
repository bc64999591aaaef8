// Signing in at an identity provider, and calling with its tokens.

import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { assertSays, session, visitor } from "./browser.mjs";
import { SERVICE, api, eventually, me, organisation } from "./installation.mjs";
import { TOOL, newKey, startProvider } from "./provider.mjs";

for (const { slug, label, secret, algorithm } of [
  { slug: "public", label: "Connexion de l'Étoile", algorithm: "RS256" },
  { slug: "with-secret", label: "Connexion du Réseau", secret: "not-so-secret", algorithm: "ES256" },
]) {
  describe(`a provider that wants ${secret ? "a secret, and signs with" : "no secret, and signs with"} ${algorithm}`, () => {
    let provider, issuer, host;
    before(async () => {
      provider = await startProvider({ service: SERVICE, secret, key: newKey(algorithm) });
      issuer = await api("POST", "/v1/issuers", { slug, label, url: provider.url, audiences: ["aiguilleur"], client_id: "aiguilleur" });
      host = await organisation("Réseau des médiathèques");
      await api("POST", `/v1/organisations/${host.id}/members`, { issuer: provider.url, subject: "membre", roles: ["mediator"] });
    });
    after(() => provider.stop());

    const begin = async (page) => {
      await page.goto(`${SERVICE}/sign-in`);
      await page.getByRole("link", { name: label }).click();
      await page.getByPlaceholder("Enter any login").waitFor();
    };
    /// Signs in at the provider's own pages and comes back; the address by which.
    const signInAs = async (page, name) => {
      await begin(page);
      await page.getByPlaceholder("Enter any login").fill(name);
      await page.getByPlaceholder("and password").fill("any");
      await page.getByRole("button", { name: "Sign-in" }).click();
      const comingBack = page.waitForResponse((answer) => answer.url().startsWith(`${SERVICE}/sign-in/callback`));
      await page.getByRole("button", { name: "Continue" }).click();
      const answer = await comingBack;
      await page.waitForURL(`${SERVICE}/**`);
      return answer;
    };

    it("signs in a member", async () => {
      const page = await visitor();
      await signInAs(page, "membre");
      assert.equal(page.url(), `${SERVICE}/account`);
      await assertSays(page, "Réseau des médiathèques", "médiateur ou médiatrice", "membre");
      const who = await me({ session: (await session(page)).value });
      assert.deepEqual([who.issuer, who.subject, who.organisation.slug], [provider.url, "membre", host.slug]);
    });

    it("makes no member of somebody it knows", async () => {
      const page = await visitor();
      const answer = await signInAs(page, "passante");
      assert.equal(answer.status(), 403);
      await assertSays(page, "Connexion refusée", "membre d'aucune organisation");
      assert.equal(await session(page), undefined);
    });

    it("signs in nobody by an answer meant for another browser", async () => {
      const answer = await signInAs(await visitor(), "membre");
      const page = await visitor();
      await begin(page);
      const refused = await page.goto(answer.url());
      assert.equal(refused.status(), 403);
      await assertSays(page, "Connexion refusée", "pas été commencée dans ce navigateur");
      assert.equal(await session(page), undefined);
    });

    it("signs in nobody by an answer that wasn't asked for", async () => {
      const page = await visitor();
      await begin(page);
      const refused = await page.goto(`${SERVICE}/sign-in/callback?code=code&state=wrong&iss=${provider.url}`);
      assert.equal(refused.status(), 403);
      await assertSays(page, "Connexion refusée");
    });

    // Or a provider that is trusted could make use of what another says (RFC 9207).
    it("signs in nobody by an answer of another provider", async () => {
      const page = await visitor();
      const { request } = page.context();
      const asked = new URL((await request.get(`${SERVICE}/sign-in/with/${slug}`, { maxRedirects: 0 })).headers().location);
      const answer = new URLSearchParams({ code: "code", state: asked.searchParams.get("state"), iss: "http://localhost:9" });
      const refused = await page.goto(`${SERVICE}/sign-in/callback?${answer}`);
      assert.equal(refused.status(), 403);
      await assertSays(page, "Connexion refusée");
    });

    it("tells when somebody gave up there", async () => {
      const page = await visitor();
      await begin(page);
      await page.getByRole("link", { name: "Cancel" }).click();
      await page.waitForURL(`${SERVICE}/**`);
      await assertSays(page, "Connexion refusée", "vous avez renoncé");
    });

    it("keeps nobody signed in once it is trusted no more", async () => {
      const page = await visitor();
      await signInAs(page, "membre");
      const { value } = await session(page);
      assert.equal((await me({ session: value })).status, 200);
      await api("DELETE", `/v1/issuers/${issuer.id}`);
      await eventually(5_000, async () => assert.equal((await me({ session: value })).status, 401));
      await page.goto(`${SERVICE}/sign-in`);
      assert.equal(await page.getByRole("link", { name: label }).count(), 0);
    });
  });
}

describe("access tokens of a provider", () => {
  const key = newKey("RS256");
  let provider, host;
  before(async () => {
    provider = await startProvider({ service: SERVICE, key });
    await api("POST", "/v1/issuers", { slug: "tokens", label: "Jetons", url: provider.url, audiences: ["aiguilleur"] });
    host = await organisation("Éditeur d'outils");
    await api("POST", `/v1/organisations/${host.id}/members`, { issuer: provider.url, subject: TOOL.id, roles: ["partner"] });
  });
  after(() => provider.stop());
  const assertTaken = async (token) => {
    const who = await me({ token });
    assert.equal(who.status, 200, who.detail);
    assert.deepEqual([who.subject, who.issuer, who.organisation.slug, who.roles], [TOOL.id, provider.url, host.slug, ["partner"]]);
  };
  const assertRefused = async (token, why) => {
    const answer = await me({ token });
    assert.equal(answer.status, 401);
    assert.match(answer.detail, why);
  };

  it("are taken from a member", async () => assertTaken(await provider.token()));

  it("are refused when they are meant for another service", async () => {
    await assertRefused(await provider.token("https://ailleurs.exemple.fr"), /pas destiné à ce service/);
  });

  it("are refused when somebody else signed them", async () => {
    const [head, claims] = (await provider.token()).split(".");
    const other = createPrivateKey({ key: newKey("RS256"), format: "jwk" });
    const signature = sign("sha256", Buffer.from(`${head}.${claims}`), other).toString("base64url");
    await assertRefused(`${head}.${claims}.${signature}`, /signature/);
  });

  it("are taken while the provider is away, and not those of a key that it has withdrawn since", async () => {
    // Not shown before: nothing of them is remembered.
    const [meanwhile, later] = [await provider.token(), await provider.token()];
    await provider.stop();
    await assert.rejects(provider.token());
    await assertTaken(meanwhile);

    provider = await startProvider({ service: SERVICE, key: newKey("RS256"), port: provider.port });
    const fresh = await provider.token();
    // Keys are asked for every ten seconds at most.
    await eventually(12_000, () => assertTaken(fresh));
    await assertRefused(later, /clé connue/);
  });
});
