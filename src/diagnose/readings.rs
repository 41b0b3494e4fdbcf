//! Facts become readings, a file for each part of a call's way. Nothing here accuses: it says what was asked where, and how it ended.

mod browser;
mod call;
mod controls;
mod gateway;
mod login;
mod names;
mod network;
pub mod quality;
mod reach;
mod relay;
pub mod reset;
mod signaling;
mod tls;
mod turn;

use super::reading::Readings;
use super::run::Run;

/// Reads a run.
#[must_use]
pub fn read(run: &Run<'_>) -> Readings {
    let mut readings = Readings::default();
    names::read(run, &mut readings);
    browser::read(run, &mut readings);
    reach::read(run, &mut readings);
    tls::read(run, &mut readings);
    turn::read(run, &mut readings);
    login::read(run, &mut readings);
    relay::read(run, &mut readings);
    controls::read(run, &mut readings);
    network::read(run, &mut readings);
    quality::read(run, &mut readings);
    signaling::read(run, &mut readings);
    call::read(run, &mut readings);
    readings
}
