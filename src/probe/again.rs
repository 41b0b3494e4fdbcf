//! Two requests from one new port: whether a server's later answers arrive like its first.
//!
//! coturn 4.17.0 and 4.17.1 send every answer but the first of a flow with a TTL of 1 on some systems, so that it dies at the first router
//! (measured; coturn's issue 2043).

use super::context::Context;
use super::greet::binding_fact;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{AGAIN, Fact};
use crate::net::session::Session;
use crate::proto::request::Request;

/// Asks an endpoint over UDP twice, where it has answered somebody: what came of the second request is recorded, if the first was answered.
pub async fn ask_twice(context: &Context, endpoint: Endpoint) {
    if endpoint.transport != Transport::Udp || !has_answered(context, endpoint) {
        return;
    }
    let Ok(session) = Session::over_udp(&context.network, endpoint) else { return };
    if session.ask(&Request::binding()).await.reply.succeeded() {
        let exchange = session.ask(&Request::binding()).await;
        context.record.add(AGAIN, endpoint, Fact::Binding(binding_fact(&session, exchange)));
    }
}

fn has_answered(context: &Context, endpoint: Endpoint) -> bool {
    let told_outside = context.outside.towards(endpoint.ip()).map(|peer| peer.mapped()).unwrap_or_default();
    context.record.has_answered(endpoint) || told_outside.iter().any(|(server, _)| *server == endpoint.address)
}
