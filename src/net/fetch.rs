//! A document from a web server, by the seam's names, connections and clock; every way in which it may fail is a fact of its own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::select_ok;
use percent_encoding::percent_decode_str;
use tokio::time::{Instant, sleep, timeout_at};
use url::{Position, Url};

use super::http::{Answer, BodyEnd, InvalidRequest, NoAnswer, Request, exchange};
use super::network::{Network, Stream};
use super::tls::{Trust, handshake};
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{HandshakeEnd, HandshakeFact, NameAnswer};
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::model::target::Host;

/// How many redirections are followed.
pub const MOST_REDIRECTIONS: usize = 5;

/// When the next address is tried beside those that have not answered (RFC 8305 §5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 8;

/// Gets documents by one network, with one trust, until one moment.
pub struct Fetch<'a> {
    network: &'a dyn Network,
    trust: &'a Trust,
    family: Box<dyn Fn(IpAddr) -> bool + 'a>,
    deadline: Instant,
    contacted: RefCell<BTreeSet<Endpoint>>,
}

/// No document came, and from where.
#[derive(Debug)]
pub struct Failed {
    /// The address that was asked last: a redirection may have led to it.
    pub at: Box<Url>,
    /// What happened.
    pub why: Failure,
}

/// What kept a document from coming.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The host's name has no addresses.
    Name(NameAnswer),
    /// The host has no address of the families that are asked for, or that this host has a route to.
    Family,
    /// No TCP connection.
    Connect(Outcome),
    /// The TLS handshake failed, or the certificate is not to be trusted.
    Handshake(Box<HandshakeFact>),
    /// The request can't be written.
    Request(InvalidRequest),
    /// No answer came.
    Unanswered(NoAnswer),
    /// A status that promises no document.
    Status(u16),
    /// There is a status, but the document is not whole.
    Body(BodyEnd),
    /// A redirection to nowhere that can be asked.
    Location,
    /// A redirection from `https:` to `http:`, where anyone on the way could change the document.
    Downgrade,
    /// More than [`MOST_REDIRECTIONS`].
    Redirections,
}

impl<'a> Fetch<'a> {
    /// Gets documents until the deadline, from addresses of some families.
    #[must_use]
    pub fn new(network: &'a dyn Network, trust: &'a Trust, family: impl Fn(IpAddr) -> bool + 'a, deadline: Instant) -> Self {
        Self { network, trust, family: Box::new(family), deadline, contacted: RefCell::default() }
    }

    /// Gets a document by GET. The login, or else the token, is shown to the URL's own origin and to no other.
    ///
    /// # Errors
    ///
    /// [`Failed`] where no whole document came.
    pub async fn get(&self, url: &Url, token: Option<&Secret>) -> Result<Vec<u8>, Failed> {
        let authorization = authorization(url, token);
        let mut at = url.clone();
        for _ in 0..=MOST_REDIRECTIONS {
            let shown = authorization.as_ref().filter(|_| at.origin() == url.origin());
            match self.step(&at, shown).await {
                Ok(Step::Document(body)) => return Ok(body),
                Ok(Step::Elsewhere(next)) => at = next,
                Err(why) => return Err(Failed { at: Box::new(at), why }),
            }
        }
        Err(Failed { at: Box::new(at), why: Failure::Redirections })
    }

    /// Every address that was sent anything.
    #[must_use]
    pub fn contacted(&self) -> Vec<Endpoint> {
        self.contacted.borrow().iter().copied().collect()
    }

    async fn step(&self, url: &Url, authorization: Option<&Secret>) -> Result<Step, Failure> {
        let request = request(url, authorization)?;
        let host = host(url).ok_or(Failure::Location)?;
        let port = url.port_or_known_default().ok_or(Failure::Location)?;
        let mut stream = self.connect(&host, port).await?;
        if is_secure(url) {
            stream = self.secure(stream, &host).await?;
        }
        let answer = exchange(stream, request, self.left()).await.map_err(Failure::Unanswered)?;
        judge(url, answer)
    }

    async fn connect(&self, host: &Host, port: u16) -> Result<Box<dyn Stream>, Failure> {
        let mut addresses = self.addresses(host).await?;
        addresses.retain(|address| (self.family)(*address) && self.network.source(*address).is_some());
        addresses.truncate(MOST_ADDRESSES);
        if addresses.is_empty() {
            return Err(Failure::Family);
        }
        let attempts = (0u32..).zip(addresses).map(|(number, address)| {
            let address = SocketAddr::new(address, port);
            async move {
                sleep(NEXT_ADDRESS * number).await;
                self.contacted.borrow_mut().insert(Endpoint::new(Transport::Tcp, address));
                self.network.connect_tcp(address).await
            }
            .boxed_local()
        });
        match timeout_at(self.deadline, select_ok(attempts)).await {
            Err(_elapsed) => Err(Failure::Connect(Outcome::Silent)),
            Ok(Err(outcome)) => Err(Failure::Connect(outcome)),
            Ok(Ok((stream, _others))) => Ok(stream),
        }
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, Failure> {
        let name = match host {
            Host::Address(address) => return Ok(vec![*address]),
            Host::Name(name) => name,
        };
        let Ok(found) = timeout_at(self.deadline, self.network.addresses(name)).await else {
            return Err(Failure::Name(NameAnswer::Unavailable));
        };
        if found.records.is_empty() { Err(Failure::Name(found.answer)) } else { Ok(found.records) }
    }

    async fn secure(&self, stream: Box<dyn Stream>, host: &Host) -> Result<Box<dyn Stream>, Failure> {
        let (fact, stream) = handshake(stream, host, self.trust, self.network.time_of_day(), self.left()).await;
        let trusted = fact.end == HandshakeEnd::Completed && fact.defects.is_empty();
        stream.filter(|_| trusted).ok_or_else(|| Failure::Handshake(Box::new(fact)))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Where one request has led.
enum Step {
    Document(Vec<u8>),
    Elsewhere(Url),
}

fn judge(url: &Url, answer: Answer) -> Result<Step, Failure> {
    match answer.status {
        200 if answer.end == BodyEnd::Whole => Ok(Step::Document(answer.body)),
        200 => Err(Failure::Body(answer.end)),
        301 | 302 | 303 | 307 | 308 => {
            let location = answer.header("location").ok_or(Failure::Location)?;
            let next = url.join(location).map_err(|_| Failure::Location)?;
            match next.scheme() {
                "https" => Ok(Step::Elsewhere(next)),
                "http" if !is_secure(url) => Ok(Step::Elsewhere(next)),
                "http" => Err(Failure::Downgrade),
                _ => Err(Failure::Location),
            }
        }
        other => Err(Failure::Status(other)),
    }
}

fn request(url: &Url, authorization: Option<&Secret>) -> Result<Request, Failure> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let request = Request::new("GET", host, target).and_then(|request| request.with_header("Accept", "application/json"));
    let request = match authorization {
        Some(authorization) => request.and_then(|request| request.with_header("Authorization", authorization.expose())),
        None => request,
    };
    request.map_err(Failure::Request)
}

/// The URL's own login counts more than a token from the environment.
fn authorization(url: &Url, token: Option<&Secret>) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return token.map(|token| Secret::new(format!("Bearer {}", token.expose())));
    }
    let mut login: Vec<u8> = percent_decode_str(url.username()).collect();
    login.push(b':');
    login.extend(percent_decode_str(url.password().unwrap_or_default()));
    Some(Secret::new(format!("Basic {}", STANDARD.encode(login))))
}

fn host(url: &Url) -> Option<Host> {
    Some(match url.host()? {
        url::Host::Domain(name) => Host::Name(name.to_owned()),
        url::Host::Ipv4(address) => Host::Address(address.into()),
        url::Host::Ipv6(address) => Host::Address(address.into()),
    })
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}
