// An identity provider that lets in whoever names themselves, and gives access tokens for the audience urn:mesgraph.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, redirect] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "mesgraph",
    client_secret: "a secret of thirty-two characters",
    redirect_uris: [redirect],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ["of a test"] },
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:mesgraph",
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "openid", audience: "urn:mesgraph", accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("ready"));
