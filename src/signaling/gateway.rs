//! What is configured about a gateway: where it is, how to log in, and how it calls the call's events.

use std::fmt;

use serde_json::Value;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::model::secret::Secret;
use crate::model::target::Host;

/// A secret shorter than this is not looked for in texts: it would be found everywhere.
const SHORTEST_SECRET: usize = 4;

/// How much is quoted of what a gateway says, in characters.
const LONGEST_QUOTE: usize = 300;

/// A Socket.IO gateway. Its `Debug` shows neither the login nor what headers and query say.
#[derive(Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Whether it is reached over TLS.
    pub secure: bool,
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// The path of its Engine.IO endpoint, with a slash at both ends.
    path: String,
    /// The namespace, with a slash at its beginning.
    namespace: String,
    /// Which transports are used.
    pub transports: Transports,
    /// What is sent to log in.
    auth: Option<Value>,
    headers: Vec<(String, Secret)>,
    query: Vec<(String, Secret)>,
    origin: Option<String>,
    /// The names of the events.
    pub events: Events,
    /// The names of the fields in them.
    pub keys: Keys,
}

/// Which transports of Engine.IO are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transports {
    /// Polling first, then an upgrade to WebSocket, as browsers do by default.
    #[default]
    Both,
    /// WebSocket alone.
    Websocket,
    /// Polling alone.
    Polling,
}

impl Transports {
    /// Whether polling is used.
    #[must_use]
    pub fn include_polling(self) -> bool {
        matches!(self, Self::Both | Self::Polling)
    }

    /// Whether WebSocket is used.
    #[must_use]
    pub fn include_websocket(self) -> bool {
        matches!(self, Self::Both | Self::Websocket)
    }
}

/// The names of the call's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// The caller's offer to the gateway.
    pub initiate: String,
    /// The offer to the callee.
    pub offer: String,
    /// The answer.
    pub answer: String,
    /// A candidate.
    pub ice_candidate: String,
    /// The end of the call.
    pub end: String,
    /// A refusal by the gateway.
    pub error: String,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            initiate: "call:initiate".to_owned(),
            offer: "call:offer".to_owned(),
            answer: "call:answer".to_owned(),
            ice_candidate: "call:ice-candidate".to_owned(),
            end: "call:end".to_owned(),
            error: "call:error".to_owned(),
        }
    }
}

/// The names of the fields in the call's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The chat.
    pub chat_id: String,
    /// The offer.
    pub offer: String,
    /// The answer.
    pub answer: String,
    /// The candidate.
    pub candidate: String,
    /// Who calls.
    pub caller_id: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            chat_id: "chatId".to_owned(),
            offer: "offer".to_owned(),
            answer: "answer".to_owned(),
            candidate: "candidate".to_owned(),
            caller_id: "callerId".to_owned(),
        }
    }
}

/// Why a gateway can't be configured so.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidGateway {
    /// The address is no URL.
    #[error("{0:?} is no URL: {1}")]
    Url(String, String),
    /// The scheme is another.
    #[error("{0:?}: the scheme must be https, http, wss or ws")]
    Scheme(String),
    /// The URL has a user name or a password, which no client of Socket.IO sends.
    #[error("the URL of the gateway holds a login: give it as auth, headers or query")]
    Login,
    /// The origin is none.
    #[error("{0:?} is no origin: write it as a browser shows it, such as https://app.example.org")]
    Origin(String),
    /// The header's name has characters that no name may have.
    #[error("{0:?} is no name of a header")]
    HeaderName(String),
    /// The header's value, which may be secret, has characters that no value may have.
    #[error("the value of the header {0} has characters that no header may have")]
    HeaderValue(String),
}

impl Gateway {
    /// The gateway at a URL, with everything else as is usual. A path is the namespace and a query is sent along, as by
    /// Socket.IO's own clients.
    ///
    /// # Errors
    ///
    /// [`InvalidGateway`] names what is wrong with the URL.
    pub fn new(url: &str) -> Result<Self, InvalidGateway> {
        // What can't be read may hold a login all the same, which no error may show.
        let parsed = match Url::parse(url) {
            Err(_) if url.contains('@') => return Err(InvalidGateway::Login),
            parsed => parsed.map_err(|error| InvalidGateway::Url(url.to_owned(), error.to_string()))?,
        };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(InvalidGateway::Login);
        }
        let secure = match parsed.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(InvalidGateway::Scheme(url.to_owned())),
        };
        let host = match parsed.host() {
            Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
            Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
            Some(url::Host::Domain(name)) => Host::Name(name.to_owned()),
            None => return Err(InvalidGateway::Url(url.to_owned(), "it names no host".to_owned())),
        };
        Ok(Self {
            secure,
            host,
            port: parsed.port_or_known_default().unwrap_or(if secure { 443 } else { 80 }),
            path: "/socket.io/".to_owned(),
            namespace: format!("/{}", parsed.path().trim_matches('/')),
            transports: Transports::default(),
            auth: None,
            headers: Vec::new(),
            query: parsed.query_pairs().map(|(name, value)| (name.into_owned(), Secret::new(value))).collect(),
            origin: None,
            events: Events::default(),
            keys: Keys::default(),
        })
    }

    /// Sets the path of the Engine.IO endpoint.
    #[must_use]
    pub fn with_path(mut self, path: &str) -> Self {
        let within = path.trim_matches('/');
        self.path = if within.is_empty() { "/".to_owned() } else { format!("/{within}/") };
        self
    }

    /// Sets the namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.namespace = format!("/{}", namespace.trim_start_matches('/'));
        self
    }

    /// Sets what is sent to log in.
    #[must_use]
    pub fn with_auth(mut self, auth: Value) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Adds a header to every request.
    ///
    /// # Errors
    ///
    /// [`InvalidGateway`] where it can't be sent.
    pub fn with_header(mut self, name: &str, value: Secret) -> Result<Self, InvalidGateway> {
        let of_token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
        if name.is_empty() || !name.chars().all(of_token) {
            return Err(InvalidGateway::HeaderName(name.to_owned()));
        }
        if !is_header_value(value.expose()) {
            return Err(InvalidGateway::HeaderValue(name.to_owned()));
        }
        self.headers.push((name.to_owned(), value));
        Ok(self)
    }

    /// Names the origin of the page that the application runs in, so that its rights are tested.
    ///
    /// # Errors
    ///
    /// [`InvalidGateway`] where it can't be sent.
    pub fn with_origin(mut self, origin: &str) -> Result<Self, InvalidGateway> {
        let parsed = Url::parse(origin).ok().filter(|url| url.has_host() && is_header_value(origin));
        if parsed.is_none() {
            return Err(InvalidGateway::Origin(origin.to_owned()));
        }
        // A browser sends no slash behind it.
        self.origin = Some(origin.trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// Adds a parameter to the query of every request.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: Secret) -> Self {
        self.query.push((name.to_owned(), value));
        self
    }

    /// Where it is, without anything secret: `https://chat.example.org`.
    #[must_use]
    pub fn place(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// The host and the port as the `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match &self.host {
            Host::Address(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            Host::Address(_) | Host::Name(_) => self.host.to_string(),
        };
        let default = if self.secure { 443 } else { 80 };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }

    /// The path of its Engine.IO endpoint.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What is sent to log in.
    #[must_use]
    pub fn auth(&self) -> Option<&Value> {
        self.auth.as_ref()
    }

    /// The headers of every request; the origin is not among them.
    #[must_use]
    pub fn headers(&self) -> &[(String, Secret)] {
        &self.headers
    }

    /// The origin of the page that the application runs in, where one is to be tested.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The path and the configured query, without Engine.IO's own parameters.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.extend(byte_serialize(name.as_bytes()));
            target.push('=');
            target.extend(byte_serialize(value.expose().as_bytes()));
        }
        target
    }

    /// What takes this gateway's secrets out of texts.
    #[must_use]
    pub fn scrubber(&self) -> Scrubber {
        let mut secrets = Vec::new();
        collect(self.auth.as_ref(), &mut secrets);
        for (_, value) in self.headers.iter().chain(&self.query) {
            secrets.push(value.expose().to_owned());
            // `Bearer <token>`: the token alone is as secret.
            secrets.extend(value.expose().split_whitespace().skip(1).map(str::to_owned));
        }
        let encoded: Vec<String> = secrets.iter().map(|secret| byte_serialize(secret.as_bytes()).collect()).collect();
        secrets.extend(encoded);
        secrets.retain(|secret| secret.len() >= SHORTEST_SECRET);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Scrubber(secrets.into_iter().map(Secret::new).collect())
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Gateway({}{} {})", self.place(), self.path, self.namespace)
    }
}

/// Takes a gateway's secrets out of what it says.
#[derive(Clone, Debug, Default)]
pub struct Scrubber(Vec<Secret>);

impl Scrubber {
    /// The text with every secret replaced by `…`.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "…"))
    }

    /// The beginning of the text, without its secrets, in one line.
    #[must_use]
    pub fn quote(&self, text: &str) -> String {
        let text = self.scrub(text);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(LONGEST_QUOTE) {
            Some((end, _)) => format!("{}…", &words[..end]),
            None => words,
        }
    }
}

fn is_header_value(text: &str) -> bool {
    text.chars().all(|char| char == ' ' || char.is_ascii_graphic())
}

/// Every text in a value.
fn collect(value: Option<&Value>, texts: &mut Vec<String>) {
    match value {
        None | Some(Value::Null | Value::Bool(_)) => {}
        Some(Value::Number(number)) => texts.push(number.to_string()),
        Some(Value::String(text)) => texts.push(text.clone()),
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), texts)),
        Some(Value::Object(fields)) => fields.values().for_each(|field| collect(Some(field), texts)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gateway(url: &str) -> Gateway {
        Gateway::new(url).expect("a right URL")
    }

    #[test]
    fn a_url_gives_place_port_namespace_and_query() {
        let gateway = gateway("https://Chat.example.org/admin?room=a b");
        assert_eq!((gateway.place().as_str(), gateway.port), ("https://chat.example.org", 443));
        assert_eq!((gateway.namespace(), gateway.target().as_str()), ("/admin", "/socket.io/?room=a+b"));
        let gateway = self::gateway("ws://[::1]:3000").with_path("api/ws").with_namespace("calls");
        assert_eq!((gateway.place().as_str(), gateway.path(), gateway.namespace()), ("http://[::1]:3000", "/api/ws/", "/calls"));
    }

    #[test]
    fn a_url_that_no_client_takes_is_refused() {
        assert!(matches!(Gateway::new("chat.example.org"), Err(InvalidGateway::Url(..))));
        assert!(matches!(Gateway::new("ftp://chat.example.org"), Err(InvalidGateway::Scheme(_))));
        for url in ["https://me:secret@chat.example.org", "ftp://me:secret@chat.example.org", "https://me:secret@[chat"] {
            assert_eq!(Gateway::new(url), Err(InvalidGateway::Login));
        }
    }

    #[test]
    fn a_header_that_can_t_be_sent_is_named_without_its_value() {
        let error = gateway("http://h").with_header("X-Token", Secret::new("se\ncret")).expect_err("a line break");
        assert!(!error.to_string().contains("cret"), "{error}");
        assert!(gateway("http://h").with_header("X Token", Secret::new("1")).is_err());
    }

    #[test]
    fn secrets_are_shown_nowhere() {
        let gateway = gateway("https://h")
            .with_auth(json!({"token": "caller-token", "nested": ["a/b+c d"]}))
            .with_query("key", Secret::new("query-key"))
            .with_header("Authorization", Secret::new("Bearer header-token"))
            .expect("a right header");
        assert_eq!(format!("{gateway:?}"), "Gateway(https://h/socket.io/ /)");
        let said = "bad caller-token, header-token; https://h/?key=query-key&x=a%2Fb%2Bc+d";
        assert_eq!(gateway.scrubber().scrub(said), "bad …, …; https://h/?key=…&x=…");
    }
}
