// Two Chromium pages call each other: `node browsers.mjs --browser FILE --gateway URL --tokens CALLER,CALLEE --chat ID [--ice JSON]
// [--policy all|relay]`. It prints how long it took from the caller's offer until both were connected, or one had failed or was left after
// 40 s, as JSON.

import { parseArgs } from "node:util";
import { launch, serve, talk } from "../tests/gateway/page.mjs";

const { values: options } = parseArgs({
  options: {
    browser: { type: "string" },
    gateway: { type: "string" },
    tokens: { type: "string" },
    chat: { type: "string" },
    ice: { type: "string", default: "[]" },
    policy: { type: "string", default: "all" },
  },
});

const server = await serve();
const browser = await launch(options.browser);
try {
  const { gateway, chat, policy } = options;
  const [caller, callee] = options.tokens.split(",");
  const common = { gateway, chat, policy, iceServers: JSON.parse(options.ice), seconds: 0.3, patience: 40 };
  const open = async (ready) => {
    const tab = await browser.newPage();
    await tab.exposeFunction("ready", ready);
    await tab.goto(server.url);
    return tab;
  };
  let tell;
  const isReady = new Promise((resolve) => (tell = resolve));
  const [one, other] = [await open(() => {}), await open(tell)];
  const answering = other.evaluate(talk, { ...common, role: "callee", token: callee });
  await isReady;
  const ends = [await one.evaluate(talk, { ...common, role: "caller", token: caller }), await answering];
  const failed = ends.filter((end) => end.error);
  const until = failed.length ? Math.min(...failed.map((end) => end.ended)) : Math.max(...ends.map((end) => end.ended));
  console.log(JSON.stringify({ took_ms: until - ends[0].begun, connected: !failed.length }));
} finally {
  await browser.close();
  server.close();
}
