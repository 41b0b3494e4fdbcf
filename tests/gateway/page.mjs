// A page that is one end of a call, for Chromium: what is served, what runs in it, and how the browser is started.
//
// The page is served on localhost, where browsers give out camera and microphone; both are Chromium's fake ones.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

// The server's package brings the client that fits it, though it exports only itself.
const client = readFileSync(new URL("node_modules/socket.io/client-dist/socket.io.min.js", import.meta.url));
const page = '<!doctype html><meta charset="utf-8"><title>The other end</title><script src="/socket.io.min.js"></script>';

/** Serves the page; gives its URL, and what ends it. */
export async function serve() {
  const server = createServer((request, response) => {
    const script = request.url === "/socket.io.min.js";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" }).end(script ? client : page);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Runs in the page; `begun` and `ended` are when it began to call and when that ended one way or the other, in ms since 1970. */
export async function talk({ role, gateway, token, chat, iceServers, policy, seconds, patience = 25 }) {
  const states = [];
  const now = () => performance.timeOrigin + performance.now();
  const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: policy });
  connection.oniceconnectionstatechange = () => states.push(`ice ${connection.iceConnectionState}`);
  const connected = new Promise((resolve, reject) => {
    connection.onconnectionstatechange = () => {
      states.push(`connection ${connection.connectionState}`);
      if (connection.connectionState === "connected") resolve();
      if (connection.connectionState === "failed") reject(new Error("failed"));
    };
  });
  const socket = io(gateway, { auth: { token } });
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  media.getTracks().forEach((track) => connection.addTrack(track, media));

  const early = [];
  const own = [];
  let signaled = false;
  const send = (candidate) => socket.emit("call:ice-candidate", { chatId: chat, candidate });
  connection.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate) return;
    if (signaled) send(candidate.toJSON());
    else own.push(candidate.toJSON());
  };
  const describe = async (description) => {
    await connection.setRemoteDescription(description);
    for (const candidate of early.splice(0)) await connection.addIceCandidate(candidate);
  };
  socket.on("call:ice-candidate", async ({ candidate }) => {
    if (!candidate) return;
    if (connection.remoteDescription) await connection.addIceCandidate(candidate);
    else early.push(candidate);
  });
  const tell = (event, payload) => {
    socket.emit(event, { chatId: chat, ...payload });
    signaled = true;
    own.splice(0).forEach(send);
  };
  let begun;
  if (role === "caller") {
    begun = now();
    socket.on("call:answer", ({ answer }) => describe(answer));
    const offer = await connection.createOffer();
    await connection.setLocalDescription(offer);
    tell("call:initiate", { offer });
  } else {
    socket.on("call:offer", async ({ offer }) => {
      await describe(offer);
      await connection.setLocalDescription(await connection.createAnswer());
      tell("call:answer", { answer: connection.localDescription });
    });
    await window.ready();
  }
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`no connection in ${patience} s`)), patience * 1000));
  let error, ended;
  const seen = { framesDecoded: 0, audioPackets: 0 };
  const look = async () => {
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") seen.framesDecoded = Math.max(seen.framesDecoded, report.framesDecoded ?? 0);
      if (report.kind === "audio") seen.audioPackets = Math.max(seen.audioPackets, report.packetsReceived ?? 0);
    }
  };
  try {
    await Promise.race([connected, late]).finally(() => (ended = now()));
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (failure) {
    error = failure.message;
  }
  if (role === "caller") socket.emit("call:end", { chatId: chat, reason: "hangup" });
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  await pause(200);
  connection.close();
  socket.close();
  // The browser gives its allocations back, on a busy machine not at once.
  await pause(1500);
  return { states, ...seen, begun, ended, error };
}

/** Starts Chromium. */
export const launch = (executablePath) =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // The lab's TURN server has a certificate of the lab's own.
      "--ignore-certificate-errors",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
    ],
  });
