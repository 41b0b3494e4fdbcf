//! What the probe and the rules make of each gateway: healthy ones are accused of nothing, each fault is told by its cause.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use callcheck::diagnose::diagnose;
use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::model::asked::{Asked, Form, Purpose};
use callcheck::model::call::Role;
use callcheck::model::finding::Finding;
use callcheck::model::finding::Overrides;
use callcheck::net::network::Network;
use callcheck::net::system::System;
use callcheck::net::tls::Trust;
use callcheck::probe::context::Context;
use callcheck::probe::gateway::{admitted, examine};
use callcheck::signaling::conversation::Conversation;
use callcheck::signaling::gateway::{Gateway, Transports};
use callcheck::signaling::socket_io::{Roots, SocketIo};
use libtest_mimic::Failed;
use tokio::time::{Instant, timeout};

use crate::call::Test;
use crate::gateway::{CALLEE, CALLER, Kind, Running, Wish};
use crate::in_time;

/// How long a peer waits to be let in.
const ADMISSION: Duration = Duration::from_secs(10);

/// What is found with a fault, by the transports that users connect by.
const FOUND: &[(Option<GatewayFault>, Transports, &[&str])] = &[
    (None, Transports::Both, &[]),
    (None, Transports::Websocket, &[]),
    (None, Transports::Polling, &[]),
    (Some(GatewayFault::Silent), Transports::Both, &["signaling-unreachable fail certain"]),
    (Some(GatewayFault::BadGateway), Transports::Both, &["signaling-unreachable fail certain"]),
    (Some(GatewayFault::BadGateway), Transports::Websocket, &["signaling-unreachable fail certain"]),
    (Some(GatewayFault::WebPage), Transports::Both, &["signaling-wrong-path fail certain"]),
    (Some(GatewayFault::WrongPath), Transports::Both, &["signaling-wrong-path fail certain"]),
    (Some(GatewayFault::WrongPath), Transports::Websocket, &["signaling-wrong-path fail certain"]),
    (Some(GatewayFault::OldProtocol), Transports::Both, &["signaling-protocol-mismatch fail certain"]),
    (Some(GatewayFault::OlderHandshake), Transports::Both, &["signaling-protocol-mismatch fail certain"]),
    (Some(GatewayFault::Forbidden), Transports::Both, &["signaling-auth-refused fail certain"]),
    (Some(GatewayFault::AuthRefused), Transports::Both, &["signaling-auth-refused fail certain"]),
    (Some(GatewayFault::NamespaceRefused), Transports::Both, &["signaling-namespace-refused fail certain"]),
    (Some(GatewayFault::WebsocketOnly), Transports::Both, &["signaling-protocol-mismatch fail certain"]),
    (Some(GatewayFault::WebsocketOnly), Transports::Websocket, &[]),
    (Some(GatewayFault::WebsocketStripped), Transports::Both, &["signaling-websocket-blocked warn certain"]),
    (Some(GatewayFault::WebsocketStripped), Transports::Websocket, &["signaling-websocket-blocked fail certain"]),
    (Some(GatewayFault::WebsocketRefused), Transports::Both, &["signaling-websocket-blocked warn certain"]),
    (Some(GatewayFault::WebsocketRefused), Transports::Polling, &[]),
    (Some(GatewayFault::WebsocketHangs), Transports::Both, &["signaling-websocket-blocked warn certain"]),
    (Some(GatewayFault::NotSticky), Transports::Both, &["signaling-not-sticky fail certain"]),
    (Some(GatewayFault::NotSticky), Transports::Websocket, &[]),
    (Some(GatewayFault::NoCors), Transports::Both, &["signaling-cors warn certain"]),
];

pub fn tests(kind: Kind) -> Vec<(String, Test)> {
    let mut tests: Vec<(String, Test)> = Vec::new();
    for (fault, transports, expected) in FOUND {
        let name =
            format!("preflight_{}_{transports:?}", fault.map_or("healthy", GatewayFault::id)).to_lowercase().replace('-', "_");
        tests.push((name, Box::new(move || in_time(|| finds(kind, *fault, *transports, expected)))));
    }
    tests.push(("no_token_is_in_what_is_observed".to_owned(), Box::new(move || in_time(|| hides_tokens(kind)))));
    if kind == Kind::Node {
        tests.push(("nothing_listens".to_owned(), Box::new(move || in_time(finds_nothing_there))));
        tests.push(("https_by_a_root_of_its_own".to_owned(), Box::new(move || in_time(trusts_https))));
    }
    tests
}

async fn finds(kind: Kind, fault: Option<GatewayFault>, transports: Transports, expected: &[&str]) -> Result<(), Failed> {
    let faults: Vec<GatewayFault> = fault.into_iter().collect();
    // Every server on Node has the namespace "/".
    let namespace = if fault == Some(GatewayFault::NamespaceRefused) { "/calls" } else { "/" };
    let running = Running::start(kind, &Wish { namespace, ..Wish::broken(&faults) }).await?;
    let gateway = |token: &str| {
        let mut gateway = running.gateway(token).with_namespace(namespace);
        gateway.transports = transports;
        gateway.with_origin("https://app.example.org").expect("an origin")
    };
    let (found, _) = examined(&gateway(CALLER), &gateway(CALLEE), None).await?;
    expect(&found, expected)
}

fn expect(found: &[Finding], expected: &[&str]) -> Result<(), Failed> {
    let claims: Vec<String> = found.iter().map(Finding::claim).collect();
    if claims == expected { Ok(()) } else { Err(Failed::from(format!("{claims:?} in place of {expected:?}: {found:#?}"))) }
}

/// Examines a gateway, connects both peers where that is possible, and judges what was seen; the record comes as JSON too.
async fn examined(caller: &Gateway, callee: &Gateway, root: Option<&str>) -> Result<(Vec<Finding>, String), Failed> {
    let network: Rc<dyn Network> = Rc::new(System::default());
    let mut trust = Trust::nobody();
    if let Some(root) = root {
        trust = trust.with_roots(root.as_bytes())?;
    }
    let context = Context::brief(&network, trust);
    if examine(&context, caller).await {
        let peers = [(Role::Caller, caller), (Role::Callee, callee)];
        let [one, other] = peers.map(|(role, gateway)| connect(&context, role, gateway, root));
        let (one, other) = tokio::join!(one, other);
        one?;
        other?;
    }
    let asked = Asked {
        purpose: Purpose::Call,
        form: Form::Host,
        services: Vec::new(),
        credentials: false,
        controls: false,
        peers: Vec::new(),
        longest_idle_ms: None,
        call: None,
    };
    let observations = context.record.observations();
    let findings = diagnose(&asked, &observations, None, &Overrides::default()).findings;
    Ok((findings, serde_json::to_string_pretty(&observations)?))
}

async fn connect(context: &Context, role: Role, gateway: &Gateway, root: Option<&str>) -> Result<(), Failed> {
    let line = SocketIo::open(gateway, &Roots::with(root.map(str::as_bytes))?).await;
    let mut conversation = Conversation::new(Box::new(line), role, gateway, Instant::now(), Rc::new(|_| {}));
    let first = timeout(ADMISSION, conversation.next()).await.ok();
    admitted(context, gateway, role, first.as_ref());
    conversation.close().await;
    Ok(())
}

/// The gateway sees the tokens in auth, headers and query; the record of the run must not.
async fn hides_tokens(kind: Kind) -> Result<(), Failed> {
    use callcheck::model::secret::Secret;
    let running = Running::start(kind, &Wish::broken(&[GatewayFault::AuthRefused])).await?;
    let gateway = running.gateway("very-secret-token").with_query("key", Secret::new("very-secret-key"));
    let gateway = gateway.with_header("Authorization", Secret::new("Bearer very-secret-bearer"))?;
    let (_, record) = examined(&gateway, &gateway, None).await?;
    if record.contains("very-secret") || !record.contains("signaling-socket") { Err(Failed::from(record)) } else { Ok(()) }
}

async fn finds_nothing_there() -> Result<(), Failed> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let gateway = Gateway::new(&format!("http://127.0.0.1:{port}"))?;
    let (found, _) = examined(&gateway, &gateway, None).await?;
    expect(&found, &["signaling-unreachable fail certain"])
}

async fn trusts_https() -> Result<(), Failed> {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let root = certified.cert.pem();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("signaling-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let files = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&files.0, &root)?;
    std::fs::write(&files.1, certified.signing_key.serialize_pem())?;
    let running = Running::start(Kind::Node, &Wish { tls: Some(files), ..Wish::broken(&[]) }).await?;
    let (found, record) = examined(&running.gateway(CALLER), &running.gateway(CALLEE), Some(&root)).await?;
    expect(&found, &[])?;
    if record.matches("\"end\": \"connected\"").count() != 2 {
        return Err(Failed::from(record));
    }
    let (found, record) = examined(&running.gateway(CALLER), &running.gateway(CALLEE), None).await?;
    if record.contains("signaling-polling") {
        return Err(Failed::from(format!("something was sent to a server that is not trusted: {record}")));
    }
    expect(&found, &["signaling-unreachable fail certain"])
}
