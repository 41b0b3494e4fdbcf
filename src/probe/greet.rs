//! The first questions to a server, side by side: a Binding and an Allocate without credentials.
//!
//! Either alone proves little: coturn's `no-stun` stays silent to Binding, its `stun-only` to Allocate.

use std::time::Duration;

use tokio::time::sleep;

use super::context::Context;
use super::reach::reach;
use crate::model::fact::{BindingFact, ChallengeFact, Fact};
use crate::model::outcome::{Defect, Outcome};
use crate::model::target::Host;
use crate::net::session::{Exchange, Session};
use crate::proto::request::Request;
use crate::proto::response::Response;

/// The pauses before a new local port is taken, where the server remembers the one before: coturn does for a second after its allocation.
const NEW_PORT_AFTER: [Duration; 2] = [Duration::ZERO, Duration::from_millis(1200)];

/// What a server answered to an Allocate without credentials.
pub struct Greeting {
    /// How it ended.
    pub challenge: ChallengeFact,
    /// The answer.
    pub response: Option<Response>,
}

/// Sends a Binding, and an Allocate where a relay is expected.
pub async fn greet(context: &Context, session: &Session, relay: bool) -> Option<Greeting> {
    let binding = bind(context, session);
    if !relay {
        binding.await;
        return None;
    }
    let ((), greeting) = tokio::join!(binding, challenge(context, session));
    Some(greeting)
}

/// Takes a new local port and asks again where a server remembers the 5-tuple (437, RFC 8656 §7.2): some program, or a run of this one, has
/// used it a moment ago. coturn says so without credentials too.
pub async fn on_a_new_port(context: &Context, host: &Host, mut session: Session, mut greeting: Greeting) -> (Session, Greeting) {
    for pause in NEW_PORT_AFTER {
        if greeting.challenge.reply.code() != Some(437) {
            break;
        }
        context.count_losses(session.tally());
        sleep(pause).await;
        let Some(reached) = reach(context, session.endpoint(), host).await else { break };
        session = reached.session;
        greeting = challenge(context, &session).await;
    }
    (session, greeting)
}

/// A Binding with its fact.
pub async fn bind(context: &Context, session: &Session) {
    let exchange = session.ask(&Request::binding()).await;
    let fact = binding_fact(session, exchange);
    context.record.add("binding", session.endpoint(), Fact::Binding(fact));
}

/// The fact of a Binding.
#[must_use]
pub fn binding_fact(session: &Session, exchange: Exchange) -> BindingFact {
    let Exchange { mut reply, response } = exchange;
    let response = response.as_ref();
    let mapped = response.and_then(Response::reflexive);
    if reply.succeeded() && mapped.is_none() {
        reply.outcome = Outcome::Unusable { defect: Defect::Incomplete };
    }
    let differs = |response: &Response| response.mapped.filter(|plain| response.xor_mapped.is_some_and(|xor| xor != *plain));
    BindingFact {
        reply,
        local: session.local(),
        mapped,
        mapped_plain: response.and_then(differs),
        bad_fingerprint: response.is_some_and(|response| response.bad_fingerprint),
        response_origin: response.and_then(|response| response.response_origin),
        other_address: response.and_then(|response| response.other_address),
        software: response.and_then(|response| response.software.clone()),
    }
}

/// An Allocate without credentials with its fact.
pub async fn challenge(context: &Context, session: &Session) -> Greeting {
    // An open relay grants this one, so it must be given back like any other.
    let held = context.ledger.hold(session, None);
    let Exchange { mut reply, response } = session.ask(&Request::allocate()).await;
    if !reply.succeeded() {
        context.ledger.strike(held);
    } else if response.as_ref().is_none_or(|response| response.relayed.is_none()) {
        reply.outcome = Outcome::Unusable { defect: Defect::Incomplete };
    }
    let challenge = ChallengeFact {
        reply,
        realm: response.as_ref().and_then(|response| response.realm.clone()),
        nonce: response.as_ref().is_some_and(|response| response.nonce.is_some()),
        software: response.as_ref().and_then(|response| response.software.clone()),
        alternate: response.as_ref().and_then(|response| response.alternate),
    };
    context.record.add("challenge", session.endpoint(), Fact::Challenge(challenge.clone()));
    Greeting { challenge, response }
}
