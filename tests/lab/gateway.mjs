// The gateway of tests/gateway with faults that only the network lab makes: `node gateway.mjs [--fault NAME]…`, and all else as there.

import { createRequire } from "node:module";

import { Exchange } from "../gateway/exchange.mjs";

/** When a call is ended that the gateway ends, in milliseconds after the answer: media flows by then. */
const END_AFTER = 1200;

const require = createRequire(new URL("../gateway/gateway.mjs", import.meta.url));

/** Lets `act` see each login in the gateway's place. */
function instead(act) {
  const { Namespace } = require("socket.io");
  const { use } = Namespace.prototype;
  Namespace.prototype.use = function () {
    return use.call(this, act);
  };
}

const OWN = {
  /** Takes the login and never says a word. */
  "login-unanswered": () => instead(() => {}),
  /** Closes the connection when the login comes. */
  "login-closed": () => instead((socket) => socket.conn.close()),
  /** Ends each call by itself, as a limit of its length does. */
  "ends-the-call": () => {
    const { join, receive } = Exchange.prototype;
    const members = new Set();
    Exchange.prototype.join = function (member) {
      members.add(member);
      join.call(this, member);
    };
    Exchange.prototype.receive = function (member, event, payload) {
      if (event === "call:answer") {
        const end = { chatId: payload.chatId, reason: "limit" };
        setTimeout(() => members.forEach((each) => each.send("call:end", end)), END_AFTER);
      }
      return receive.call(this, member, event, payload);
    };
  },
};

for (const [name, make] of Object.entries(OWN)) {
  const at = process.argv.indexOf(name);
  if (at < 0) continue;
  process.argv.splice(at - 1, 2);
  make();
}

await import("../gateway/gateway.mjs");
