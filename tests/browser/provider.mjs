// An OpenID Connect provider of this machine: oidc-provider, with its own pages, where any name and any password do.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

// It advises, at length, what a server that lasts should do.
console.info = console.warn = () => {};
const { Provider } = await import("oidc-provider");

// What its access tokens may be meant for, and the audience that they then tell.
const RESOURCES = { "https://aiguilleur.exemple.fr": "aiguilleur", "https://ailleurs.exemple.fr": "ailleurs" };

/// A tool that fetches tokens for itself.
export const TOOL = { id: "outil", secret: "tool-secret" };

export function newKey(algorithm) {
  const { privateKey } =
    algorithm === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: algorithm };
}

/// Starts one that knows `service` as `aiguilleur`: by its secret, or as a public client where it has none.
/// It is reached as localhost: to a browser that is another site than 127.0.0.1, where the service is.
export async function startProvider({ service, secret, key, port = 0 }) {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const url = `http://localhost:${server.address().port}`;
  const provider = new Provider(url, {
    jwks: { keys: [key] },
    pkce: { required: () => true },
    cookies: { keys: [randomUUID()] },
    findAccount: (_, name) => ({ accountId: name, claims: () => ({ sub: name }) }),
    clients: [
      {
        client_id: "aiguilleur",
        redirect_uris: [`${service}/sign-in/callback`],
        id_token_signed_response_alg: key.alg,
        ...(secret ? { client_secret: secret } : { token_endpoint_auth_method: "none" }),
      },
      {
        client_id: TOOL.id,
        client_secret: TOOL.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: ["client_credentials"],
        id_token_signed_response_alg: key.alg,
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          audience: RESOURCES[resource],
          scope: "",
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: key.alg } },
        }),
      },
    },
  });
  server.on("request", provider.callback());
  return {
    url,
    port: server.address().port,
    /// An access token of the tool, in JWT form.
    async token(resource = "https://aiguilleur.exemple.fr") {
      const answer = await fetch(`${url}/token`, {
        method: "POST",
        headers: { Authorization: `Basic ${btoa(`${TOOL.id}:${TOOL.secret}`)}` },
        body: new URLSearchParams({ grant_type: "client_credentials", resource }),
      });
      const { access_token, ...rest } = await answer.json();
      if (!access_token) throw new Error(`no token: ${JSON.stringify(rest)}`);
      return access_token;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
