// What an administrator and a mail program do beside the browser, on the installation that run.sh started.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/// Its address.
export const { SERVICE } = process.env;
const { ADMINISTRATOR, MAILS, LOG } = process.env;

/// Asks the API, as the administrator; what it answers.
export async function api(method, path, body) {
  const answer = await fetch(SERVICE + path, {
    method,
    headers: { Authorization: `Bearer ${ADMINISTRATOR}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

/// Asks who it is, as whoever has that bearer token or that session.
export async function me({ token, session }) {
  const headers = token ? { Authorization: `Bearer ${token}` } : { Cookie: `aiguilleur=${session}` };
  const answer = await fetch(`${SERVICE}/v1/me`, { headers });
  return { status: answer.status, ...(await answer.json()) };
}

export function organisation(name) {
  return api("POST", "/v1/organisations", { slug: randomUUID(), name });
}

/// Of an organisation made for it: a member who was just sent an invitation.
export async function invite(name, email = newAddress()) {
  const host = await organisation(name);
  const member = await api("POST", `/v1/organisations/${host.id}/members`, { email, roles: ["mediator"] });
  const mail = await nextMail(email);
  return { host, member, email, mail, link: linkIn(mail) };
}

export function newAddress() {
  return `${randomUUID()}@exemple.fr`;
}

/// Takes the oldest mail for an address, which may still be under way for so many milliseconds.
export async function nextMail(email, patience = 10_000) {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
    for (const name of (await readdir(MAILS)).filter((name) => name.endsWith(".json")).sort()) {
      const mail = JSON.parse(await readFile(join(MAILS, name), "utf8"));
      if (mail.to.includes(email)) {
        await rm(join(MAILS, name));
        return mail;
      }
    }
  }
  throw new Error(`no mail for ${email}`);
}

export function linkIn(mail) {
  const [link] = mail.text.match(/http:\S+\/sign-in\/link\/\S+/) ?? assert.fail(`no link in:\n${mail.text}`);
  return link;
}

/// What the service wrote down of its doings.
export function log() {
  return readFile(LOG, "utf8");
}

/// Tries again until it holds, for so many milliseconds.
export async function eventually(patience, check) {
  for (const end = Date.now() + patience; ; await sleep(200)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
