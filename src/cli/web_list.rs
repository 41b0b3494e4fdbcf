//! A list of ICE servers that a web server gives out; whatever keeps it from coming is a usage error in words.

use std::time::{Duration, Instant};

use url::Url;

use super::arguments::Common;
use super::runtime::in_runtime;
use super::usage::Usage;
use super::{login, network, proxy};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{HandshakeFact, NameAnswer};
use crate::model::outcome::Outcome;
use crate::net::fetch::{Failed, Failure, Fetch, MOST_REDIRECTIONS};
use crate::net::http::{BodyEnd, InvalidRequest, LONGEST_BODY, NoAnswer};
use crate::net::system::System;
use crate::render::describe;

/// Where a token for the web server may be given; an option would show it in the list of processes.
const TOKEN_VARIABLE: &str = "CALLCHECK_ICE_SERVERS_TOKEN";

/// A list as it came.
pub struct WebList {
    /// Its text.
    pub text: String,
    /// The URL, as it may be shown.
    pub shown: String,
    /// Every address that was asked for it.
    pub contacted: Vec<Endpoint>,
    /// How long that took.
    pub took: Duration,
}

/// Whether the value of `--ice-servers` is to be asked of a web server.
#[must_use]
pub fn is_url(source: &str) -> bool {
    scheme(source).is_some()
}

/// Gets the list.
pub fn get(source: &str, common: &Common) -> Result<WebList, Usage> {
    let url: Url = source.parse().map_err(|error| {
        // What can't be read may hold a password anywhere.
        wrong(&format!("{}…", scheme(source).unwrap_or_default()), &format!("it is no URL: {error}"))
    })?;
    let token = login::variable(TOKEN_VARIABLE)?;
    let trust = network::trust(common)?;
    let families = network::families(common);
    let system = System::new(network::binding(common)?);
    let began = Instant::now();
    let (got, contacted) = in_runtime(async {
        let deadline = tokio::time::Instant::now() + common.bound();
        let fetch = Fetch::new(&system, &trust, |address| families.include(address), deadline);
        let got = fetch.get(&url, token.as_ref()).await;
        Ok((got, fetch.contacted()))
    })?;
    let shown = shown(&url);
    let body = got.map_err(|failed| wrong(&shown, &reason(&url, &failed, common)))?;
    let text = String::from_utf8(body).map_err(|_| wrong(&shown, "it is not JSON, which is UTF-8 text"))?;
    Ok(WebList { text, shown, contacted, took: began.elapsed() })
}

fn scheme(source: &str) -> Option<&'static str> {
    ["https://", "http://"]
        .into_iter()
        .find(|scheme| source.get(..scheme.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(scheme)))
}

/// The URL without its login, and without the values of its query: keys are often there.
fn shown(url: &Url) -> String {
    let place = &url[url::Position::BeforeHost..url::Position::AfterPath];
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{}://{place}{query}", url.scheme())
}

fn reason(asked: &Url, failed: &Failed, common: &Common) -> String {
    let why = describe_failure(&failed.at, &failed.why, common);
    if *failed.at == *asked { why } else { format!("it redirects to {:?}: {why}", shown(&failed.at)) }
}

fn describe_failure(at: &Url, failure: &Failure, common: &Common) -> String {
    let host = at.host_str().unwrap_or_default();
    match failure {
        Failure::Name(NameAnswer::NotFound) => format!("the name {host} does not exist"),
        Failure::Name(NameAnswer::Found | NameAnswer::NoAddress) => format!("the name {host} has no address"),
        Failure::Name(NameAnswer::Unavailable) => format!("no resolver answered for {host}"),
        Failure::Family => match (common.ipv4, common.ipv6) {
            (true, _) => format!("{host} has no IPv4 address that this host could reach"),
            (false, true) => format!("{host} has no IPv6 address that this host could reach"),
            (false, false) => format!("this host has no route to {host}"),
        },
        Failure::Connect(Outcome::Silent) => format!("{host} does not answer on port {}{}", port(at), beside_a_proxy()),
        Failure::Connect(outcome) => {
            format!("TCP connection to {host} port {}: {}{}", port(at), describe::outcome(outcome), beside_a_proxy())
        }
        Failure::Handshake(fact) => describe_handshake(host, fact),
        Failure::Request(InvalidRequest::HeaderValue(_)) => {
            format!("{TOKEN_VARIABLE} has characters that no header may have, such as a line break")
        }
        Failure::Request(_) => "it can't be written as a request".to_owned(),
        Failure::Unanswered(NoAnswer::Closed) => format!("{host} closes the connection without an answer"),
        Failure::Unanswered(NoAnswer::Silent) => {
            format!("{host} has not answered the request within {}", humantime::format_duration(common.bound()))
        }
        Failure::Unanswered(NoAnswer::NotHttp { speaks }) => {
            format!("the answer of {host} is broken or {}, not HTTP/1.1", describe::protocol(*speaks))
        }
        Failure::Status(status) => describe_status(host, *status),
        Failure::Body(BodyEnd::TooLong) => format!("the answer is longer than {} MiB", LONGEST_BODY >> 20),
        Failure::Body(BodyEnd::Late) => {
            format!("the answer has not ended within {}", humantime::format_duration(common.bound()))
        }
        Failure::Body(BodyEnd::Broken | BodyEnd::Whole) => "the connection ended before the answer was whole".to_owned(),
        Failure::Location => format!("{host} redirects to nowhere that could be asked"),
        Failure::Downgrade => format!("{host} redirects from https: to http:, where anyone on the way could change the list"),
        Failure::Redirections => format!("it redirects more than {MOST_REDIRECTIONS} times"),
    }
}

fn beside_a_proxy() -> &'static str {
    if proxy::of_environment().is_some() {
        "\nhint: the proxy of the environment is not used for it: get the list by a program that does, and give it to --ice-servers -"
    } else {
        ""
    }
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

fn describe_handshake(host: &str, fact: &HandshakeFact) -> String {
    if fact.defects.is_empty() {
        return format!("TLS with {host}: {}", describe::handshake(fact));
    }
    let defects: Vec<&str> = fact.defects.iter().map(|defect| describe::certificate(*defect)).collect();
    format!("the certificate of {host} is {}", defects.join(" and "))
}

fn describe_status(host: &str, status: u16) -> String {
    match status {
        401 | 403 => format!(
            "{host} answers with status {status}: it wants another login\nhint: a bearer token is read from {TOKEN_VARIABLE}, \
             a user and a password from the URL"
        ),
        404 => format!("{host} answers with status 404: it has no such document"),
        405 => format!(
            "{host} answers with status 405: it does not take GET\nhint: get the list by a program that sends what the service \
             wants, and give it to --ice-servers -"
        ),
        other => format!("{host} answers with status {other}"),
    }
}

fn wrong(shown: &str, why: &str) -> Usage {
    Usage(format!("invalid value {shown:?} for --ice-servers: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, expected) in [
            ("https://alice:north@ice.example:8443/list?key=north#north", "https://ice.example:8443/list?…"),
            ("HTTPS://ice.example", "https://ice.example/"),
            ("http://[2001:db8::1]/a/b", "http://[2001:db8::1]/a/b"),
        ] {
            assert!(is_url(url));
            assert_eq!(shown(&url.parse().expect("a URL")), expected);
        }
    }

    #[test]
    fn files_are_no_urls() {
        for file in ["ice.json", "-", "/tmp/http/ice.json", "https", "http:", "é://x", "ftp://ice.example/"] {
            assert!(!is_url(file), "{file}");
        }
    }
}
