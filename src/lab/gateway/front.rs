//! What stands before the gateway: the faults of proxies, paths and load balancers, and which connections belong to a session.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderValue, ORIGIN, UPGRADE,
};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::Value;

use super::fault::GatewayFault;
use super::severable::{Connection, Cut};

/// The longest answer that opens a session, in bytes.
const LONGEST_OPENING: usize = 64 * 1024;

/// What stands before the engines.
#[derive(Debug)]
pub struct Front {
    faults: BTreeSet<GatewayFault>,
    /// The path that clients ask for, without its last slash.
    path: String,
    engines: usize,
    /// The page at the root.
    page: Option<String>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

/// A session of a client with all of its connections.
#[derive(Debug, Default)]
pub struct Session {
    cuts: Mutex<Vec<Arc<Cut>>>,
}

impl Session {
    /// Cuts every connection that it has used.
    pub fn cut(&self) {
        let cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.iter().for_each(|cut| cut.make());
    }

    fn uses(&self, connection: &Connection) {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&connection.cut));
    }
}

impl Front {
    /// What stands before engines whose own paths are those of [`engine_path`].
    #[must_use]
    pub fn new(faults: &[GatewayFault], path: &str, page: Option<String>) -> Self {
        let engines = if faults.contains(&GatewayFault::NotSticky) { 2 } else { 1 };
        let path = if faults.contains(&GatewayFault::WrongPath) { "/elsewhere" } else { path.trim_end_matches('/') };
        Self { faults: faults.iter().copied().collect(), path: path.to_owned(), engines, page, sessions: Mutex::default() }
    }

    /// How many engines there are.
    #[must_use]
    pub fn engines(&self) -> usize {
        self.engines
    }

    fn has(&self, fault: GatewayFault) -> bool {
        self.faults.contains(&fault)
    }

    /// The answer of something else than the gateway, where one comes.
    fn instead(&self, request: &Request) -> Option<Response> {
        let target = request.uri().query().unwrap_or_default();
        let is_websocket = target.contains("transport=websocket");
        if self.has(GatewayFault::BadGateway) {
            return Some(page(StatusCode::BAD_GATEWAY, "502 Bad Gateway"));
        }
        if self.has(GatewayFault::WebPage) {
            return Some(page(StatusCode::OK, "Chat"));
        }
        if self.has(GatewayFault::OldProtocol) {
            return Some(error(StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"));
        }
        if self.has(GatewayFault::OlderHandshake) {
            let open = r#"0{"sid":"older","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}"#;
            return Some(format!("{}:{open}2:40", open.len()).into_response());
        }
        if self.has(GatewayFault::Forbidden) {
            return Some(error(StatusCode::FORBIDDEN, 4, "the address is not on the list"));
        }
        if self.has(GatewayFault::WebsocketOnly) && !is_websocket {
            return Some(error(StatusCode::BAD_REQUEST, 0, "Transport unknown"));
        }
        if self.has(GatewayFault::WebsocketStripped) && is_websocket {
            return Some(error(StatusCode::BAD_REQUEST, 3, "Bad request"));
        }
        if self.has(GatewayFault::WebsocketRefused) && request.headers().contains_key(UPGRADE) {
            return Some((StatusCode::BAD_REQUEST, "Bad request").into_response());
        }
        None
    }

    fn hangs(&self, request: &Request) -> bool {
        self.has(GatewayFault::Silent) || self.has(GatewayFault::WebsocketHangs) && request.headers().contains_key(UPGRADE)
    }

    /// The engine of a connection, where the path is the gateway's.
    fn engine_target(&self, connection: &Connection, uri: &Uri) -> Option<Uri> {
        let rest = uri.path().strip_prefix(&self.path)?;
        if !rest.is_empty() && rest != "/" {
            return None;
        }
        let query = uri.query().unwrap_or_default();
        format!("{}/?{query}", engine_path(connection.number % self.engines)).parse().ok()
    }

    fn session(&self, sid: &str) -> Option<Arc<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(sid).cloned()
    }

    fn remember(&self, sid: &str, session: Arc<Session>) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(sid.to_owned(), session);
    }
}

/// The path of an engine, which no client asks for.
#[must_use]
pub fn engine_path(number: usize) -> String {
    format!("/engine-{number}")
}

/// Every request passes here first.
pub async fn pass(
    State(front): State<Arc<Front>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    mut request: Request,
    next: Next,
) -> Response {
    if front.hangs(&request) {
        return std::future::pending().await;
    }
    if let Some(answer) = front.instead(&request) {
        return answer;
    }
    let Some(target) = front.engine_target(&connection, request.uri()) else {
        return match front.page.clone().filter(|_| request.uri().path() == "/") {
            Some(page) => Html(page).into_response(),
            None => (StatusCode::NOT_FOUND, "not found").into_response(),
        };
    };
    let sid = target.query().and_then(sid_in).map(str::to_owned);
    let opens_by_polling = sid.is_none() && !request.headers().contains_key(UPGRADE);
    let session = sid.and_then(|sid| front.session(&sid)).unwrap_or_default();
    session.uses(&connection);
    let origin = request.headers().get(ORIGIN).cloned();
    *request.uri_mut() = target;
    request.extensions_mut().insert(Arc::clone(&session));
    let mut response = next.run(request).await;
    if let Some(origin) = origin.filter(|_| !front.has(GatewayFault::NoCors)) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if opens_by_polling { opened(&front, session, response).await } else { response }
}

/// Keeps the name of a session that was opened, so that its later connections are known.
async fn opened(front: &Front, session: Arc<Session>, response: Response) -> Response {
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_OPENING).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let open = body.strip_prefix(b"0").and_then(|json| serde_json::from_slice::<Value>(json).ok());
    if let Some(sid) = open.as_ref().and_then(|open| open["sid"].as_str()) {
        front.remember(sid, session);
    }
    Response::from_parts(head, Body::from(body))
}

fn sid_in(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("sid="))
}

fn page(status: StatusCode, title: &str) -> Response {
    let html = format!("<!DOCTYPE html><title>{title}</title><h1>{title}</h1>");
    (status, [(CONTENT_TYPE, "text/html")], html).into_response()
}

fn error(status: StatusCode, code: u8, message: &str) -> Response {
    let json = serde_json::json!({ "code": code, "message": message });
    (status, [(CONTENT_TYPE, "application/json")], json.to_string()).into_response()
}
