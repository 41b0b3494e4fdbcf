//! The table of causes: what each is, where it can sit, and which readings it breaks. To add one: a row here, a text in `src/text`, a scenario.

mod allocation;
mod authentication;
pub mod call;
mod names;
pub mod network;
mod reach;
pub mod relay;
mod signaling;
mod stun;
mod tls;

pub use super::row::Cause;

/// The causes by the parts of a call's way.
const PARTS: [&[Cause]; 11] = [
    signaling::CAUSES,
    call::POLICY,
    names::CAUSES,
    network::CAUSES,
    reach::CAUSES,
    tls::CAUSES,
    stun::CAUSES,
    authentication::CAUSES,
    allocation::CAUSES,
    relay::CAUSES,
    call::CAUSES,
];

/// All causes, in the order of a call's way.
pub fn causes() -> impl Iterator<Item = &'static Cause> {
    PARTS.into_iter().flatten()
}

/// Those that a report can name; the others only explain.
pub fn named() -> impl Iterator<Item = &'static Cause> {
    causes().filter(|cause| !matches!(cause.effect, super::row::Effect::Harmless | super::row::Effect::Open))
}
