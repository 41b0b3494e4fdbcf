// A signaling gateway on Socket.IO for the tests: `node gateway.mjs [--fault NAME]… [--host ADDRESS] [--port N] [--path /socket.io/]
// [--namespace /] [--no-answer MS] [--cert FILE --key FILE]`. It prints `listening PORT` and runs until its input ends.
//
// The contract is that of the embedded gateway in src/lab/gateway, fault by fault, so that one list of tests holds both.

import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import { FAULTS, Exchange, accountOf } from "./exchange.mjs";

const { values: options } = parseArgs({
  options: {
    fault: { type: "string", multiple: true, default: [] },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    path: { type: "string", default: "/socket.io/" },
    namespace: { type: "string", default: "/" },
    "no-answer": { type: "string", default: "30000" },
    cert: { type: "string" },
    key: { type: "string" },
  },
});
const faults = new Set(options.fault.flatMap((names) => names.split(",")).filter(Boolean));
for (const fault of faults) {
  if (!FAULTS.includes(fault)) {
    console.error(`no such fault: ${fault}; there are ${FAULTS.join(", ")}`);
    process.exit(2);
  }
}
const has = (fault) => faults.has(fault);

const exchange = new Exchange(faults, Number(options["no-answer"]));

/** One engine with the call's events; its HTTP server never listens, it gets its requests from the one in front. */
function backend() {
  const server = createHttpServer((_request, response) => {
    response.writeHead(404, { "content-type": "text/plain" }).end("not found");
  });
  const io = new Server(server, {
    path: has("wrong-path") ? "/elsewhere/" : options.path,
    transports: has("websocket-only") ? ["websocket"] : ["polling", "websocket"],
    cors: has("no-cors") ? undefined : { origin: true, credentials: true },
    allowRequest: (_request, decide) =>
      has("forbidden") ? decide("the address is not on the list", false) : decide(null, true),
  });
  const namespace = io.of(has("namespace-refused") ? "/nobody-knows" : options.namespace);
  namespace.use((socket, next) => {
    const account = has("auth-refused") ? undefined : accountOf(socket.handshake.auth);
    if (account) {
      socket.data.account = account;
      return next();
    }
    const refusal = new Error("invalid token");
    refusal.data = { code: "UNAUTHORIZED" };
    next(refusal);
  });
  namespace.on("connection", (socket) => {
    const member = {
      account: socket.data.account,
      send: (event, payload) => socket.emit(event, payload),
      drop: () => socket.conn.transport.close(),
      close: () => socket.disconnect(true),
    };
    exchange.join(member);
    socket.onAny((event, ...values) => {
      const acknowledge = typeof values.at(-1) === "function" ? values.pop() : undefined;
      const answer = exchange.receive(member, event, values[0] ?? {});
      if (answer !== undefined) acknowledge?.(answer);
    });
    socket.on("disconnect", () => exchange.leave(member));
  });
  return server;
}

// Without sticky sessions every other connection reaches the other one of two engines, which share nothing.
const backends = has("not-sticky") ? [backend(), backend()] : [backend()];
const assigned = new WeakMap();
let connections = 0;
function backendOf(socket) {
  if (!assigned.has(socket)) assigned.set(socket, backends[connections++ % backends.length]);
  return assigned.get(socket);
}

/** The answer of something before the gateway, or of a gateway that is none; nothing where the request goes through. */
function instead(request) {
  const json = (status, body) => ({ status, type: "application/json", body: JSON.stringify(body) });
  const html = (status, title) => ({ status, type: "text/html", body: `<!DOCTYPE html><title>${title}</title><h1>${title}</h1>` });
  if (has("bad-gateway")) return html(502, "502 Bad Gateway");
  if (has("web-page")) return html(200, "Chat");
  if (has("old-protocol")) return json(400, { code: 5, message: "Unsupported protocol version" });
  if (has("older-handshake")) {
    const open = `0${JSON.stringify({ sid: "older", upgrades: ["websocket"], pingInterval: 25000, pingTimeout: 5000 })}`;
    return { status: 200, type: "text/plain; charset=UTF-8", body: `${open.length}:${open}2:40` };
  }
  if (has("websocket-stripped") && request.url.includes("transport=websocket")) {
    return json(400, { code: 3, message: "Bad request" });
  }
  return undefined;
}

function onRequest(request, response) {
  if (has("silent")) return;
  const answer = instead(request);
  if (answer) {
    response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
  } else {
    backendOf(request.socket).emit("request", request, response);
  }
}

function onUpgrade(request, socket, head) {
  // A client that leaves in the middle is no reason to stop.
  socket.on("error", () => socket.destroy());
  if (has("silent") || has("websocket-hangs")) return;
  const answer = instead(request);
  if (answer) {
    const length = Buffer.byteLength(answer.body);
    socket.end(`HTTP/1.1 ${answer.status} -\r\nContent-Type: ${answer.type}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${answer.body}`);
  } else if (has("websocket-refused")) {
    socket.end("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nConnection: close\r\n\r\nBad request");
  } else {
    backendOf(socket).emit("upgrade", request, socket, head);
  }
}

const front = options.cert
  ? createHttpsServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) })
  : createHttpServer();
front.on("request", onRequest).on("upgrade", onUpgrade);
front.listen(Number(options.port), options.host, () => console.log(`listening ${front.address().port}`));
// Whoever started it holds its input open; so nothing is left behind, however that one ends.
process.stdin.resume().on("end", () => process.exit(0));
