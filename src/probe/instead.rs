//! What a port over TCP speaks that stays mute to what belongs there: plain STUN in place of TLS, or what it should once the header of a
//! proxy came first.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::connect::try_connect;
use super::context::Context;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, HandshakeEnd, InsteadFact};
use crate::model::target::Host;
use crate::net::network::Stream;
use crate::net::session::Session;
use crate::net::tls::handshake;
use crate::proto::request::Request;

/// How long each try may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The header of the PROXY protocol, version 2, with the command LOCAL: whoever expects a header takes the connection as it is (section 2.2
/// of haproxy's specification).
const PROXY_HEADER: [u8; 16] = *b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Tries both at once.
pub async fn ask(context: &Context, endpoint: Endpoint, host: &Host) {
    let plain = async { endpoint.transport.is_secure() && within(answers_plainly(context, endpoint)).await };
    let (plain, behind_header) = tokio::join!(plain, within(answers_behind_header(context, endpoint, host)));
    context.record.add("instead", endpoint, Fact::Instead(InsteadFact { plain, behind_header }));
}

async fn within(answers: impl Future<Output = bool>) -> bool {
    timeout(LIMIT, answers).await.unwrap_or_default()
}

async fn answers_plainly(context: &Context, endpoint: Endpoint) -> bool {
    let (_, Some(stream)) = try_connect(context, endpoint).await else { return false };
    answers(context, endpoint, stream).await
}

async fn answers_behind_header(context: &Context, endpoint: Endpoint, host: &Host) -> bool {
    let (_, Some(mut stream)) = try_connect(context, endpoint).await else { return false };
    if stream.write_all(&PROXY_HEADER).await.is_err() {
        return false;
    }
    if endpoint.transport == Transport::Tcp {
        return answers(context, endpoint, stream).await;
    }
    let (fact, _) = handshake(stream, host, &context.trust, context.network.time_of_day(), LIMIT).await;
    // Who expects no header takes it for a broken handshake, and may say so.
    fact.end == HandshakeEnd::Completed || fact.certificate.is_some()
}

async fn answers(context: &Context, endpoint: Endpoint, stream: Box<dyn Stream>) -> bool {
    let session = Session::over_stream(&context.network, endpoint, stream);
    session.ask(&Request::binding()).await.reply.answered()
}
