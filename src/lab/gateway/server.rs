//! The gateway on loopback: Socket.IO by `socketioxide` around a [`Hub`], with what stands before it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use serde_json::Value;
use socketioxide::extract::{AckSender, Event, MaybeHttpExtension, SocketRef, TryData};
use socketioxide::handler::ConnectHandler as _;
use socketioxide::{SocketIo, SocketIoBuilder};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::exchange::{Account, Exchange, NO_ANSWER_AFTER};
use super::fault::GatewayFault;
use super::front::{Front, Session, engine_path, pass};
use super::hub::{Hub, Order};
use super::severable::{Connection, SeverableListener};

/// How many packets wait for a client that reads slowly: a flood fits.
const BUFFER: usize = 16 * 1024;

/// The longest request, in bytes; offers of browsers with many codecs are some ten thousand.
const LONGEST_REQUEST: u64 = 1 << 20;

/// A namespace that nobody asks for.
const NOBODYS: &str = "/nobody-knows";

/// What the gateway runs.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// What is broken.
    pub faults: Vec<GatewayFault>,
    /// Where it listens; port 0 is any.
    pub address: SocketAddr,
    /// The path of its endpoint.
    pub path: String,
    /// The namespace.
    pub namespace: String,
    /// How long a call waits for its answer.
    pub no_answer_after: Duration,
    /// The page at its root, where it has one.
    pub page: Option<String>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
            path: "/socket.io/".to_owned(),
            namespace: "/".to_owned(),
            no_answer_after: NO_ANSWER_AFTER,
            page: None,
        }
    }
}

impl GatewayConfig {
    /// A gateway with these faults, and right otherwise.
    #[must_use]
    pub fn broken(faults: &[GatewayFault]) -> Self {
        Self { faults: faults.to_vec(), ..Self::default() }
    }
}

/// A running gateway; it ends when this is dropped.
pub struct Gateway {
    address: SocketAddr,
    hub: Arc<Hub>,
    tasks: Vec<AbortHandle>,
}

impl Gateway {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// What the system says where the port can't be had.
    pub async fn start(config: GatewayConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.address).await?;
        let address = listener.local_addr()?;
        let front = Arc::new(Front::new(&config.faults, &config.path, config.page.clone()));
        let hub = Hub::new(Exchange::new(&config.faults, config.no_answer_after));
        let mut app = Router::new().fallback(|| async { StatusCode::NOT_FOUND });
        for number in 0..front.engines() {
            let (layer, io) = engine(number).build_layer();
            serve_namespace(&io, &config, &hub);
            app = app.layer(layer);
        }
        let app = app.layer(from_fn_with_state(front, pass)).into_make_service_with_connect_info::<Connection>();
        let serving = tokio::spawn(async move {
            // It ends with its task alone.
            _ = axum::serve(SeverableListener::new(listener), app).await;
        });
        let driven = Arc::clone(&hub);
        let driving = tokio::spawn(async move { driven.run().await });
        Ok(Self { address, hub, tasks: vec![serving.abort_handle(), driving.abort_handle()] })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many clients are let in.
    #[must_use]
    pub fn members(&self) -> usize {
        self.hub.members()
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.hub.calls()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn engine(number: usize) -> SocketIoBuilder {
    SocketIo::builder().req_path(engine_path(number)).max_buffer_size(BUFFER).max_payload(LONGEST_REQUEST)
}

/// What a client is told that is not let in.
#[derive(Debug)]
struct InvalidToken;

impl fmt::Display for InvalidToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("invalid token")
    }
}

fn serve_namespace(io: &SocketIo, config: &GatewayConfig, hub: &Arc<Hub>) {
    let refuses = config.faults.contains(&GatewayFault::AuthRefused);
    let admit = move |TryData(auth): TryData<Value>| async move {
        let account = Account::of(auth.ok().as_ref()).filter(|_| !refuses);
        account.map(|_| ()).ok_or(InvalidToken)
    };
    let hub = Arc::clone(hub);
    let connected = move |socket: SocketRef, TryData(auth): TryData<Value>, session: MaybeHttpExtension<Arc<Session>>| {
        let hub = Arc::clone(&hub);
        async move {
            // The one before has let it in.
            let Some(account) = Account::of(auth.ok().as_ref()) else { return };
            attach(&hub, &socket, account, session.0);
        }
    };
    let hides = config.faults.contains(&GatewayFault::NamespaceRefused);
    let namespace = if hides { NOBODYS.to_owned() } else { config.namespace.clone() };
    io.ns(namespace, connected.with(admit));
}

fn attach(hub: &Arc<Hub>, socket: &SocketRef, account: Account, session: Option<Arc<Session>>) {
    let carrier = socket.clone();
    let carry = move |order: Order<'_>| match order {
        // Who is gone gets nothing.
        Order::Send { event, payload } => _ = carrier.emit(event, payload),
        Order::Drop => session.iter().for_each(|session| session.cut()),
        Order::Close => _ = carrier.clone().disconnect(),
    };
    let member = hub.join(account, Box::new(carry));
    let receiver = Arc::clone(hub);
    socket.on_fallback(move |Event(event): Event, TryData(payload): TryData<Value>, answer: AckSender| {
        let receiver = Arc::clone(&receiver);
        async move {
            if let Some(says) = receiver.receive(member, &event, &payload.unwrap_or_default()) {
                _ = answer.send(&says);
            }
        }
    });
    let hub = Arc::clone(hub);
    socket.on_disconnect(move || async move { hub.leave(member) });
}
