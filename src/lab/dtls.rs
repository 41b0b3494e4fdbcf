//! The server's side of DTLS without sockets: an association for each client that sends to one port.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc_dtls::config::{ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{SignatureScheme, default_provider};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rustls::pki_types::CertificateDer;

/// After this a flight is sent again, when the client repeats its own.
const FLIGHT_INTERVAL: Duration = Duration::from_millis(300);

/// What the server shows its clients.
pub type Configuration = Arc<HandshakeConfig>;

/// The configuration can't be made: the library's words.
#[derive(Debug, thiserror::Error)]
#[error("DTLS can't be configured: {0}")]
pub struct Unconfigured(String);

/// A server with this chain, and the P-256 key of its first certificate in PKCS #8.
///
/// # Errors
///
/// [`Unconfigured`] where the key isn't one.
pub fn configuration(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<Configuration, Unconfigured> {
    let provider = default_provider().map_err(|error| Unconfigured(error.to_string()))?;
    let imported = provider.crypto().import_signing_key(SignatureScheme::EcdsaP256Sha256, key);
    let key = imported.map_err(|error| Unconfigured(error.to_string()))?;
    let builder = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![Certificate::from_signing_key(chain, key)])
        .with_insecure_skip_verify(true)
        .with_flight_interval(FLIGHT_INTERVAL);
    builder.build(false, None).map(Arc::new).map_err(|error| Unconfigured(error.to_string()))
}

/// What comes out of a client's datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// A message.
    Message(Vec<u8>),
    /// The client's farewell.
    Closed,
}

/// The associations of one port.
pub struct Associations {
    endpoint: Endpoint,
}

impl fmt::Debug for Associations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Associations").finish_non_exhaustive()
    }
}

impl Associations {
    /// A port without clients.
    #[must_use]
    #[expect(
        clippy::default_trait_access,
        reason = "the library hands out no name for the transport below, which is UDP by default"
    )]
    pub fn new(local: SocketAddr, configuration: Configuration) -> Self {
        Self { endpoint: Endpoint::new(local, Default::default(), Some(configuration)) }
    }

    /// Takes a client's datagram. What is to be sent afterwards is told by [`Self::next_datagram`].
    pub fn receive(&mut self, now: Instant, client: SocketAddr, datagram: &[u8]) -> Vec<Opened> {
        // Like OpenSSL it repeats a flight when the client comes again and the time is over; a client that is unknown has none.
        _ = self.endpoint.handle_timeout(client, now);
        let Ok(events) = self.endpoint.read(now, client, None, datagram.into()) else { return Vec::new() };
        let opened = events.into_iter().filter_map(|event| match event {
            EndpointEvent::ApplicationData(data) => Some(Opened::Message(data.to_vec())),
            EndpointEvent::PeerClosed => Some(Opened::Closed),
            EndpointEvent::HandshakeComplete | _ => None,
        });
        opened.collect()
    }

    /// Seals a message for a client; without an association there is none to be told.
    pub fn send(&mut self, now: Instant, client: SocketAddr, message: &[u8]) {
        _ = self.endpoint.write(now, client, message);
    }

    /// The next datagram to send, and to whom.
    pub fn next_datagram(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.endpoint.poll_transmit().map(|datagram| (datagram.transport.peer_addr, datagram.message.to_vec()))
    }
}
