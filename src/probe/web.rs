//! Who answers on the web's ports of an address at which no TURN server does: a server of pages, or a network that stands before one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;

use super::connect::try_connect;
use super::context::Context;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, WebFact};
use crate::model::target::Host;
use crate::net::http::{Answer, Request, exchange};
use crate::net::network::Stream;
use crate::net::tls::handshake;

/// How long each of connection, handshake and answer may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The web's ports.
const PORTS: [(Transport, u16); 2] = [(Transport::Tcp, 80), (Transport::Tls, 443)];

/// Headers by which a network in front of web servers shows itself: the header, what its value has, and the network. A bare Via is none of
/// them, for a proxy of the caller's own network adds one too.
const FRONTS: [(&str, &str, &str); 16] = [
    ("cf-ray", "", "Cloudflare"),
    ("server", "cloudflare", "Cloudflare"),
    ("x-amz-cf-id", "", "Amazon CloudFront"),
    ("via", "cloudfront", "Amazon CloudFront"),
    ("server", "akamaighost", "Akamai"),
    ("x-served-by", "cache-", "Fastly"),
    ("server", "ddos-guard", "DDoS-Guard"),
    ("server", "qrator", "Qrator"),
    ("x-sucuri-id", "", "Sucuri"),
    ("x-cdn", "incapsula", "Imperva"),
    ("x-iinfo", "", "Imperva"),
    ("x-azure-ref", "", "Azure Front Door"),
    ("server", "bunnycdn", "bunny.net"),
    ("server", "vercel", "Vercel"),
    ("server", "netlify", "Netlify"),
    ("server", "keycdn", "KeyCDN"),
];

/// Asks both ports at once for the head of a page.
pub async fn ask(context: &Context, server: IpAddr, host: &Host) {
    join_all(PORTS.map(|(transport, port)| ask_port(context, Endpoint::new(transport, SocketAddr::new(server, port)), host)))
        .await;
}

async fn ask_port(context: &Context, endpoint: Endpoint, host: &Host) {
    context.record.contact(endpoint);
    let Some(answer) = answer(context, endpoint, host).await else { return };
    let server = answer.header("server").map(str::to_owned);
    let fact = WebFact { status: answer.status, server, front: front(&answer).map(str::to_owned) };
    context.record.add("control-web", endpoint, Fact::Web(fact));
}

async fn answer(context: &Context, endpoint: Endpoint, host: &Host) -> Option<Answer> {
    let (_, stream) = timeout(LIMIT, try_connect(context, endpoint)).await.ok()?;
    let mut stream: Box<dyn Stream> = stream?;
    if endpoint.transport.is_secure() {
        // Nothing secret is asked or told, whatever the certificate is.
        stream = handshake(stream, host, &context.trust, context.network.time_of_day(), LIMIT).await.1?;
    }
    let request = Request::new("HEAD", &host.to_string(), "/").and_then(|request| request.with_header("connection", "close"));
    exchange(stream, request.ok()?, LIMIT).await.ok()
}

/// The network that an answer came through.
fn front(answer: &Answer) -> Option<&'static str> {
    let has = |name: &str, part: &str| answer.header(name).is_some_and(|value| value.to_ascii_lowercase().contains(part));
    FRONTS.iter().find(|(name, part, _)| has(name, part)).map(|(.., front)| *front)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http::BodyEnd;

    fn answer(headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status: 200, headers, body: Vec::new(), end: BodyEnd::Whole }
    }

    #[test]
    fn networks_are_told_by_their_headers_and_a_plain_server_is_none() {
        assert_eq!(front(&answer(&[("server", "cloudflare")])), Some("Cloudflare"));
        assert_eq!(
            front(&answer(&[("server", "nginx"), ("via", "1.1 abc.cloudfront.net (CloudFront)")])),
            Some("Amazon CloudFront")
        );
        assert_eq!(front(&answer(&[("via", "1.1 varnish"), ("x-served-by", "cache-fra-1")])), Some("Fastly"));
        assert_eq!(front(&answer(&[("via", "1.1 proxy.example.org (squid)")])), None);
        assert_eq!(front(&answer(&[("server", "nginx/1.22.1")])), None);
    }
}
