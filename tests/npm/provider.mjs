// A certified OpenID Connect provider for one test: it says on which port it listens, is told on its input where to send people back, and believes
// every login. Run it where `npm ci` has installed it.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

createInterface({ input: process.stdin }).once("line", (redirect) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "monitoring", client_secret: "a secret that both sides know", redirect_uris: [redirect] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: true, name: "Grace Hopper" }),
    }),
  });
  answer = provider.callback();
  console.log("ready");
});
process.stdin.on("end", () => process.exit(0));
