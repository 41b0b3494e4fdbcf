//! The upgrade to WebSocket as a session of its own, so that it says nothing of sticky sessions.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::connection::{ANSWER_LIMIT, connect, headers};
use crate::model::duration::milliseconds;
use crate::model::fact::{EngineEnd, EngineFact, EngineTransport, Fact};
use crate::net::network::Stream;
use crate::probe::context::Context;
use crate::proto::framing::speaks;
use crate::signaling::engine::{self, Opening};
use crate::signaling::gateway::Gateway;
use crate::signaling::websocket::{self, Awaited, Head};

/// How much of an answer is read, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The handshake by WebSocket, also where users don't connect by it: that it works then says where to look. It says whether a
/// session was opened.
pub async fn websocket(context: &Context, gateway: &Gateway, address: SocketAddr) -> bool {
    // Where the first connection worked and this one doesn't, nothing is known of WebSocket.
    let Some(stream) = connect(context, gateway, address).await else { return false };
    let mut random = [0; 16];
    context.network.randomize(&mut random);
    let key = websocket::key(random);
    let target = engine::target(gateway, EngineTransport::Websocket, None);
    let request = websocket::request(&gateway.authority(), &target, &key, &headers(gateway));
    let started = Instant::now();
    let mut asked = Asked { stream, bytes: Vec::new(), deadline: started + ANSWER_LIMIT };
    let (end, status) = asked.upgrade(&request, &key, gateway).await;
    let opened = matches!(end, EngineEnd::Open { .. });
    let fact = EngineFact {
        path: gateway.path().to_owned(),
        transport: EngineTransport::Websocket,
        wanted: gateway.transports.include_websocket(),
        end,
        status,
        // WebSocket knows no cross-origin rules of the browser's.
        origin: None,
        allowed_origin: None,
        rtt_ms: opened.then(|| milliseconds(started.elapsed())),
    };
    context.record.add("signaling-websocket", gateway.place(), Fact::Engine(fact));
    opened
}

/// A connection on which an upgrade was asked for, with what has come of it.
struct Asked {
    stream: Box<dyn Stream>,
    bytes: Vec<u8>,
    deadline: Instant,
}

/// Why nothing more comes.
enum NoMore {
    Closed,
    Late,
}

impl Asked {
    async fn upgrade(&mut self, request: &[u8], key: &str, gateway: &Gateway) -> (EngineEnd, Option<u16>) {
        let written = async {
            self.stream.write_all(request).await?;
            self.stream.flush().await
        };
        if !matches!(timeout_at(self.deadline, written).await, Ok(Ok(()))) {
            return (EngineEnd::Closed, None);
        }
        let head = loop {
            match websocket::read_head(&self.bytes) {
                Awaited::Whole(head) => break head,
                Awaited::Wrong => return (EngineEnd::NotHttp { speaks: speaks(&self.bytes) }, None),
                Awaited::Partial => {}
            }
            match self.more().await {
                Ok(()) => {}
                Err(NoMore::Closed) => return (EngineEnd::Closed, None),
                Err(NoMore::Late) => return (EngineEnd::Silent, None),
            }
        };
        self.bytes.drain(..head.length);
        let opening = match head.status {
            101 if engine::accepts_websocket(101, head.header("sec-websocket-accept"), key) => self.opening().await,
            101 => Opening::of(EngineEnd::NotWebsocket),
            status => {
                self.body(&head).await;
                engine::read_answer(status, &self.bytes, &gateway.scrubber())
            }
        };
        (opening.end, Some(head.status))
    }

    async fn opening(&mut self) -> Opening {
        loop {
            match websocket::read_text(&self.bytes) {
                Awaited::Whole(text) => {
                    _ = self.stream.write_all(&websocket::CLOSE).await;
                    _ = self.stream.flush().await;
                    return engine::read_message(&text);
                }
                Awaited::Wrong => return Opening::of(EngineEnd::NotWebsocket),
                Awaited::Partial => {}
            }
            match self.more().await {
                Ok(()) => {}
                Err(NoMore::Closed) => return Opening::of(EngineEnd::Closed),
                Err(NoMore::Late) => return Opening::of(EngineEnd::Stalled),
            }
        }
    }

    /// Reads as much of a refusal as it says that there is.
    async fn body(&mut self, head: &Head) {
        let length = head.header("content-length").and_then(|length| length.parse::<usize>().ok());
        while length.is_none_or(|length| self.bytes.len() < length) && self.more().await.is_ok() {}
    }

    async fn more(&mut self) -> Result<(), NoMore> {
        if self.bytes.len() > LONGEST_ANSWER {
            return Err(NoMore::Closed);
        }
        match timeout_at(self.deadline, self.stream.read_buf(&mut self.bytes)).await {
            Ok(Ok(1..)) => Ok(()),
            Ok(Ok(0) | Err(_)) => Err(NoMore::Closed),
            Err(_elapsed) => Err(NoMore::Late),
        }
    }
}
