//! The client: `rust_socketio` behind [`Line`], with its habits made good.
//!
//! It says "connected" before the namespace was accepted and lets events out too early, hides refusals in an error's text, reports
//! a loss only by connecting again, and forgets no answer that never came. All of that stays in this file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use native_tls::{Certificate, TlsConnector};
use rust_socketio::asynchronous::{Client, ClientBuilder, ReconnectSettings};
use rust_socketio::{Event, Payload, TransportType};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::gateway::{Gateway, Scrubber, Transports};
use super::inbox::Inbox;
use super::line::{Emitted, Incoming, Line, size};

/// How long a connection may take until the transport is there: names, TCP, TLS, handshake and upgrade, each of which a lost
/// packet delays by a second.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// How long an event waits for the gateway to let this side in, and then for the connection to take it.
const EMIT_LIMIT: Duration = Duration::from_secs(4);

/// How long saying goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// When a lost connection is tried again, in milliseconds; the pause doubles up to the second one.
const RECONNECT_AFTER_MS: (u64, u64) = (250, 2000);

/// How often a lost connection is tried again in a row.
const RECONNECTIONS: u8 = 8;

/// How long the answer to an event counts.
const ACK_LIMIT: Duration = Duration::from_mins(1);

/// How the library words a refusal; the gateway's JSON follows.
const REFUSAL: &str = "Received an ConnectError frame: ";

/// A connection to a gateway by Socket.IO.
pub struct SocketIo {
    client: Option<Client>,
    shared: Arc<Shared>,
}

/// What the library's callbacks and the reader share.
struct Shared {
    inbox: Inbox,
    standing: watch::Sender<Standing>,
    /// The library's last error: the reason, should the connection turn out to be lost.
    trouble: Mutex<Option<String>>,
    awaits_ack: AtomicBool,
    scrubber: Scrubber,
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The gateway has not let this side in yet.
    Opening,
    /// Events may be sent.
    Online,
    /// The connection is lost; it may come back. It says whether this side was in before.
    Lost { was_in: bool },
    /// Nothing comes any more.
    Over,
}

/// The roots that a gateway's certificate is judged by: the system's, and others beside them.
#[derive(Clone)]
pub struct Roots(TlsConnector);

impl Roots {
    /// The system's roots with these (PEM).
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`] where they are none.
    pub fn with(pem: Option<&[u8]>) -> Result<Self, InvalidRoots> {
        connector(pem).map(Self)
    }
}

/// Why roots can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the roots for TLS can't be used: {0}")]
pub struct InvalidRoots(String);

impl SocketIo {
    /// Connects. How that ends comes by [`Line::next`].
    pub async fn open(gateway: &Gateway, roots: &Roots) -> Self {
        let shared = Arc::new(Shared {
            inbox: Inbox::default(),
            standing: watch::Sender::new(Standing::Opening),
            trouble: Mutex::default(),
            awaits_ack: AtomicBool::new(false),
            scrubber: gateway.scrubber(),
        });
        let attempts: &[TransportType] = match gateway.transports {
            // The library's own way back to polling has no limit in time.
            Transports::Both => &[TransportType::WebsocketUpgrade, TransportType::Polling],
            Transports::Websocket => &[TransportType::Websocket],
            Transports::Polling => &[TransportType::Polling],
        };
        let mut client = None;
        let mut why = String::new();
        for transport in attempts {
            let builder = builder(gateway, roots.0.clone(), transport.clone(), &shared);
            match timeout(CONNECT_LIMIT, builder.connect()).await {
                Ok(Ok(connected)) => {
                    client = Some(connected);
                    break;
                }
                Ok(Err(error)) => why = error.to_string(),
                Err(_elapsed) => why = format!("no connection within {} s", CONNECT_LIMIT.as_secs()),
            }
        }
        if client.is_none() {
            shared.note_trouble(&why);
            shared.lose();
            shared.standing.send_replace(Standing::Over);
        }
        Self { client, shared }
    }
}

#[async_trait(?Send)]
impl Line for SocketIo {
    async fn emit(&self, event: &str, payload: Value) -> Emitted {
        let Some(client) = &self.client else { return Emitted::NotConnected };
        let mut standing = self.shared.standing.subscribe();
        let settled = standing.wait_for(|standing| matches!(standing, Standing::Online | Standing::Over));
        match timeout(EMIT_LIMIT, settled).await {
            Ok(Ok(standing)) if *standing == Standing::Online => {}
            Ok(_) | Err(_) => return Emitted::NotConnected,
        }
        match timeout(EMIT_LIMIT, self.send(client, event, payload)).await {
            Ok(Ok(())) => Emitted::Sent,
            Ok(Err(error)) => Emitted::Failed { why: self.shared.scrubber.quote(&error.to_string()) },
            Err(_elapsed) => Emitted::Failed { why: "the connection takes nothing".to_owned() },
        }
    }

    async fn next(&mut self) -> Incoming {
        let incoming = self.shared.inbox.next().await;
        if matches!(incoming, Incoming::Refused { .. } | Incoming::ClosedByServer) {
            self.part();
        }
        incoming
    }

    fn dropped(&self) -> u32 {
        self.shared.inbox.dropped()
    }

    async fn close(mut self: Box<Self>) {
        self.shared.standing.send_replace(Standing::Over);
        if let Some(client) = self.client.take() {
            say_goodbye(client).await;
        }
    }
}

impl SocketIo {
    /// An answer is asked for as long as no other one is awaited: the library draws the numbers of answers by lot and mixes them
    /// up where two are the same.
    async fn send(&self, client: &Client, event: &str, payload: Value) -> Result<(), rust_socketio::Error> {
        if self.shared.awaits_ack.swap(true, Ordering::AcqRel) {
            return client.emit(event, payload).await;
        }
        let shared = Arc::clone(&self.shared);
        let name = event.to_owned();
        let answered = move |payload: Payload, _: Client| {
            shared.awaits_ack.store(false, Ordering::Release);
            shared.acknowledged(&name, payload);
            async {}.boxed()
        };
        client.emit_with_ack(event, payload, ACK_LIMIT, answered).await
    }

    /// Says goodbye without waiting for it; else the library would hold the connection, and open it again, for as long as the
    /// program runs.
    fn part(&mut self) {
        self.shared.standing.send_replace(Standing::Over);
        let Some(client) = self.client.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(say_goodbye(client));
        }
    }
}

impl Drop for SocketIo {
    fn drop(&mut self) {
        self.part();
    }
}

async fn say_goodbye(client: Client) {
    // Where the connection is gone there is nobody to say goodbye to.
    _ = timeout(CLOSE_LIMIT, client.disconnect()).await;
}

impl Shared {
    /// The gateway let this side in.
    fn enter(&self) {
        let before = self.standing.send_replace(Standing::Online);
        self.awaits_ack.store(false, Ordering::Release);
        match before {
            Standing::Lost { was_in: true } => self.inbox.push(Incoming::Reconnected),
            Standing::Opening | Standing::Lost { was_in: false } => self.inbox.push(Incoming::Connected),
            Standing::Online => {}
            Standing::Over => _ = self.standing.send_replace(Standing::Over),
        }
    }

    /// The connection is gone; the library tells it only by connecting again, and by doing so again and again.
    fn lose(&self) {
        let was_in = match *self.standing.borrow() {
            Standing::Opening => false,
            Standing::Online => true,
            Standing::Lost { .. } | Standing::Over => return,
        };
        self.standing.send_replace(Standing::Lost { was_in });
        let why = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.inbox.push(Incoming::Lost { why: why.unwrap_or_else(|| "the connection ended".to_owned()) });
    }

    fn end(&self, last: Incoming) {
        if self.standing.send_replace(Standing::Over) != Standing::Over {
            self.inbox.push(last);
        }
    }

    fn note_trouble(&self, why: &str) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.scrubber.quote(why));
    }

    /// What the library calls an error: a refusal, trouble with the connection, or an event of the gateway's by that name.
    fn error(&self, payload: Payload) {
        let payload = single(arguments(payload));
        match payload.as_str().map(|text| (text, text.strip_prefix(REFUSAL))) {
            Some((_, Some(refusal))) => self.end(refused(refusal, &self.scrubber)),
            Some((trouble, None)) => self.note_trouble(trouble),
            None => self.event("error", payload),
        }
    }

    fn event(&self, name: &str, payload: Value) {
        let bytes = size(&payload);
        self.inbox.push(Incoming::Event { name: name.to_owned(), payload, bytes });
    }

    fn acknowledged(&self, event: &str, payload: Payload) {
        // The list of arguments comes as one argument.
        let mut payload = single(arguments(payload));
        if let Some(arguments) = payload.as_array_mut() {
            payload = single(std::mem::take(arguments));
        }
        let bytes = size(&payload);
        self.inbox.push(Incoming::Acknowledged { event: event.to_owned(), payload, bytes });
    }
}

fn builder(gateway: &Gateway, tls: TlsConnector, transport: TransportType, shared: &Arc<Shared>) -> ClientBuilder {
    let address = format!("{}{}", gateway.place(), gateway.target());
    let [connected, closed, failed, came, again] = std::array::from_fn(|_| Arc::clone(shared));
    let mut builder = ClientBuilder::new(address)
        .namespace(gateway.namespace())
        .tls_config(tls)
        .transport_type(transport)
        .reconnect_delay(RECONNECT_AFTER_MS.0, RECONNECT_AFTER_MS.1)
        .max_reconnect_attempts(RECONNECTIONS)
        .on(Event::Connect, move |payload, _| {
            on_reserved(&connected, "open", payload, Shared::enter);
            async {}.boxed()
        })
        .on(Event::Close, move |payload, _| {
            on_reserved(&closed, "close", payload, |shared| shared.end(Incoming::ClosedByServer));
            async {}.boxed()
        })
        .on(Event::Error, move |payload, _| {
            failed.error(payload);
            async {}.boxed()
        })
        .on_any(move |event, payload, _| {
            let (name, payload) = named(&event, payload);
            came.event(&name, payload);
            async {}.boxed()
        })
        .on_reconnect(move || {
            again.lose();
            async { ReconnectSettings::default() }.boxed()
        });
    if let Some(auth) = gateway.auth() {
        builder = builder.auth(auth.clone());
    }
    for (name, value) in gateway.headers() {
        builder = builder.opening_header(name.as_str(), value.expose());
    }
    if let Some(origin) = gateway.origin() {
        builder = builder.opening_header("Origin", origin);
    }
    builder
}

/// The library calls by the same name what it tells itself, with an empty text, and an event of the gateway's.
fn on_reserved(shared: &Shared, name: &str, payload: Payload, own: impl FnOnce(&Shared)) {
    let payload = single(arguments(payload));
    if payload == "" {
        own(shared);
    } else {
        shared.event(name, payload);
    }
}

/// The name of an event, and its payload; an event without arguments is taken for one called "message" by the library.
fn named(event: &Event, payload: Payload) -> (String, Value) {
    match (event, single(arguments(payload))) {
        (Event::Message, Value::String(name)) => (name, Value::Null),
        (event, payload) => (event.as_str().to_owned(), payload),
    }
}

fn arguments(payload: Payload) -> Vec<Value> {
    match payload {
        Payload::Text(arguments) => arguments,
        Payload::Binary(bytes) => vec![Value::String(String::from_utf8_lossy(&bytes).into_owned())],
        #[expect(deprecated, reason = "the library's type still has it")]
        Payload::String(text) => vec![Value::String(text)],
    }
}

fn single(mut arguments: Vec<Value>) -> Value {
    match arguments.len() {
        0 => Value::Null,
        1 => arguments.remove(0),
        _ => Value::Array(arguments),
    }
}

/// What a gateway says as it refuses: `{message, data}`, or a bare text from older ones.
fn refused(json: &str, scrubber: &Scrubber) -> Incoming {
    let json = scrubber.scrub(json);
    match serde_json::from_str::<Value>(&json) {
        Ok(Value::Object(mut fields)) => {
            let message = scrubber.quote(fields.get("message").and_then(Value::as_str).unwrap_or_default());
            Incoming::Refused { message, data: fields.remove("data").filter(|data| !data.is_null()) }
        }
        Ok(Value::String(message)) => Incoming::Refused { message: scrubber.quote(&message), data: None },
        Ok(_) | Err(_) => Incoming::Refused { message: scrubber.quote(&json), data: None },
    }
}

fn connector(roots: Option<&[u8]>) -> Result<TlsConnector, InvalidRoots> {
    let invalid = |error: native_tls::Error| InvalidRoots(error.to_string());
    let mut builder = TlsConnector::builder();
    let roots = String::from_utf8_lossy(roots.unwrap_or_default());
    for pem in roots.split_inclusive("-----END CERTIFICATE-----").filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----")) {
        builder.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(invalid)?);
    }
    builder.build().map_err(invalid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shared() -> Shared {
        Shared {
            inbox: Inbox::default(),
            standing: watch::Sender::new(Standing::Opening),
            trouble: Mutex::default(),
            awaits_ack: AtomicBool::new(false),
            scrubber: Scrubber::default(),
        }
    }

    fn text(text: &str) -> Payload {
        Payload::Text(vec![Value::String(text.to_owned())])
    }

    #[tokio::test]
    async fn an_error_is_a_refusal_or_the_reason_of_a_loss_or_an_event() {
        let shared = shared();
        shared.error(Payload::Text(vec![json!({"message": "busy"})]));
        assert!(matches!(shared.inbox.next().await, Incoming::Event { name, .. } if name == "error"));
        shared.error(text("EngineIO Error"));
        shared.lose();
        assert_eq!(shared.inbox.next().await, Incoming::Lost { why: "EngineIO Error".to_owned() });
        shared.error(text(&format!("{REFUSAL}{}", json!({"message": "invalid token", "data": {"code": 7}}))));
        let refused = Incoming::Refused { message: "invalid token".to_owned(), data: Some(json!({"code": 7})) };
        assert_eq!(shared.inbox.next().await, refused);
    }

    #[tokio::test]
    async fn a_connection_that_comes_back_is_told_from_the_first_one() {
        let shared = shared();
        for step in [Shared::enter, Shared::lose, Shared::lose, Shared::enter] {
            step(&shared);
        }
        assert_eq!(shared.inbox.next().await, Incoming::Connected);
        assert!(matches!(shared.inbox.next().await, Incoming::Lost { .. }));
        assert_eq!(shared.inbox.next().await, Incoming::Reconnected);
    }

    #[tokio::test]
    async fn an_answer_comes_without_the_list_around_it() {
        let shared = shared();
        shared.acknowledged("call:initiate", Payload::Text(vec![json!([{"ok": false}])]));
        let payload = json!({"ok": false});
        let bytes = size(&payload);
        assert_eq!(shared.inbox.next().await, Incoming::Acknowledged { event: "call:initiate".to_owned(), payload, bytes });
    }

    #[test]
    fn an_event_without_arguments_keeps_its_name() {
        assert_eq!(named(&Event::Message, text("call:ping")), ("call:ping".to_owned(), Value::Null));
        let two = Payload::Text(vec![json!(1), json!(2)]);
        assert_eq!(named(&Event::Custom("call:end".to_owned()), two), ("call:end".to_owned(), json!([1, 2])));
    }
}
