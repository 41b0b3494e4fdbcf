// A browser as the other end of a call: `node browser.mjs --browser FILE --role caller|callee --gateway URL --token TOKEN --chat ID
// [--ice JSON] [--policy all|relay] [--seconds N]`. It prints `ready` once it can be called, and at its end what its page saw, as JSON.

import { parseArgs } from "node:util";
import { launch, serve, talk } from "./page.mjs";

const { values: options } = parseArgs({
  options: {
    browser: { type: "string" },
    role: { type: "string" },
    gateway: { type: "string" },
    token: { type: "string" },
    chat: { type: "string" },
    ice: { type: "string", default: "[]" },
    policy: { type: "string", default: "all" },
    seconds: { type: "string", default: "2" },
  },
});

const server = await serve();
const browser = await launch(options.browser);
let result;
try {
  const tab = await browser.newPage();
  await tab.exposeFunction("ready", () => console.log("ready"));
  await tab.goto(server.url);
  const { role, gateway, token, chat, policy } = options;
  result = await tab.evaluate(talk, {
    role, gateway, token, chat, policy, iceServers: JSON.parse(options.ice), seconds: Number(options.seconds),
  });
} catch (failure) {
  result = { states: [], framesDecoded: 0, audioPackets: 0, error: String(failure) };
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(result));
process.exit(result.error ? 1 : 0);
