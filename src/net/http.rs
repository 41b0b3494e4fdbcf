//! One exchange of HTTP/1.1 over a stream that is there already, so that names, addresses and certificates stay the caller's facts.
//!
//! A status is a fact, whatever it is; only a server that gives none is [`NoAnswer`].

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::network::Stream;
use super::stream::{FirstBytes, Overheard};
use crate::model::outcome::Protocol;
use crate::proto::framing::speaks;

/// The longest body that is kept, in bytes.
pub const LONGEST_BODY: usize = 1 << 20;

/// The longest head that is read, in bytes; servers and proxies stop at 8 to 32 KiB.
const LONGEST_HEAD: usize = 64 * 1024;

/// The most headers that are read.
const MOST_HEADERS: usize = 256;

/// A request that can be sent. It has no `Debug`, since headers hold tokens.
#[derive(Clone)]
pub struct Request(hyper::Request<Full<Bytes>>);

/// Why a request can't be sent.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidRequest {
    /// The method is none.
    #[error("{0:?} is no HTTP method")]
    Method(String),
    /// The target has no origin form (RFC 9112 §3.2.1).
    #[error("{0:?} is no path of a request")]
    Target(String),
    /// The header's name has characters that no name may have.
    #[error("{0:?} is no name of a header")]
    HeaderName(String),
    /// The header's value, which may be secret, has characters that no value may have.
    #[error("the value of the header {0} has characters that no header may have")]
    HeaderValue(String),
}

impl Request {
    /// A request for a target in origin form, such as `/path?query`, of a host as the `Host` header names it.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] names what can't be sent.
    pub fn new(method: &str, host: &str, target: &str) -> Result<Self, InvalidRequest> {
        let wrong = || InvalidRequest::Target(target.to_owned());
        let uri: Uri = target.parse().map_err(|_| wrong())?;
        if !target.starts_with('/') || uri.authority().is_some() {
            return Err(wrong());
        }
        let mut request = hyper::Request::new(Full::default());
        *request.method_mut() = method.parse::<Method>().map_err(|_| InvalidRequest::Method(method.to_owned()))?;
        *request.uri_mut() = uri;
        let agent = concat!("callcheck/", env!("CARGO_PKG_VERSION"));
        Self(request).with_header(HOST.as_str(), host)?.with_header(USER_AGENT.as_str(), agent)
    }

    /// Sets a header, in place of one of the same name.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] where its name or its value can't be sent.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, InvalidRequest> {
        let parsed: HeaderName = name.parse().map_err(|_| InvalidRequest::HeaderName(name.to_owned()))?;
        let value = HeaderValue::from_str(value).map_err(|_| InvalidRequest::HeaderValue(name.to_owned()))?;
        self.0.headers_mut().insert(parsed, value);
        Ok(self)
    }

    /// Gives it a body; the length is sent with it.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        *self.0.body_mut() = Full::new(body.into());
        self
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers in the order in which they came, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or its beginning.
    pub body: Vec<u8>,
    /// Whether that is all of the body.
    pub end: BodyEnd,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// As its framing says.
    Whole,
    /// It was cut after [`LONGEST_BODY`].
    TooLong,
    /// The connection ended within it, or its framing is broken.
    Broken,
    /// The time was over within it.
    Late,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The connection ended before the head of an answer was complete.
    Closed,
    /// Something else than an answer of HTTP/1 came.
    NotHttp {
        /// What it looks like; [`Protocol::Http`] for a broken answer, an endless head, or another version.
        speaks: Protocol,
    },
    /// The time was over before the head of an answer was complete.
    Silent,
}

impl Answer {
    /// The first header of a name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a request and takes what is answered until the time is over; the stream ends with it.
///
/// # Errors
///
/// [`NoAnswer`] where no status came. What came of a body is an answer even where the rest did not.
pub async fn exchange(stream: Box<dyn Stream>, request: Request, limit: Duration) -> Result<Answer, NoAnswer> {
    let deadline = Instant::now() + limit;
    let (stream, first) = Overheard::new(stream);
    let handshake = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        // A broken header takes nothing away from the status.
        .ignore_invalid_headers_in_responses(true)
        .handshake(TokioIo::new(stream));
    let Ok((mut sender, connection)) = handshake.await else { return Err(NoAnswer::Closed) };
    let driven = async {
        // How the connection ends shows in the answer.
        _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    let answered = async {
        match timeout_at(deadline, sender.send_request(request.0)).await {
            Err(_elapsed) => Err(NoAnswer::Silent),
            Ok(Err(error)) => Err(reason(&error, &first)),
            Ok(Ok(response)) => Ok(read(response, deadline).await),
        }
    };
    tokio::select! {
        biased;
        answered = answered => answered,
        never = driven => match never {},
    }
}

async fn read(response: hyper::Response<Incoming>, deadline: Instant) -> Answer {
    let (head, mut incoming) = response.into_parts();
    let headers =
        head.headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let mut answer = Answer { status: head.status.as_u16(), headers: headers.collect(), body: Vec::new(), end: BodyEnd::Whole };
    loop {
        let frame = match timeout_at(deadline, incoming.frame()).await {
            Ok(None) => return answer,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                answer.end = BodyEnd::Broken;
                return answer;
            }
            Err(_elapsed) => {
                answer.end = BodyEnd::Late;
                return answer;
            }
        };
        let Some(data) = frame.data_ref() else { continue };
        let room = LONGEST_BODY - answer.body.len();
        answer.body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            answer.end = BodyEnd::TooLong;
            return answer;
        }
    }
}

fn reason(error: &hyper::Error, first: &FirstBytes) -> NoAnswer {
    let first = first.borrow();
    let speaks = speaks(&first);
    if error.is_parse() || (!first.is_empty() && speaks != Protocol::Http) {
        NoAnswer::NotHttp { speaks }
    } else {
        NoAnswer::Closed
    }
}

#[cfg(test)]
mod tests;
