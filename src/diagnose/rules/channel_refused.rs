//! `channel-refused`: the server grants permissions and refuses channels.

use super::refusals;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "channel-refused",
        group: Group::Allocation,
        level: Level::Degrade,
        title: "the server refuses channels",
        meaning: "Clients bind a channel to a peer to save the header of 36 bytes on every packet. This server refuses that, though it grants \
                  the same peer a permission.",
        impact: "Clients that fall back to Send indications go on with more overhead; those that don't lose the call.",
        proof: "ChannelBind is refused for a peer for which CreatePermission was granted.",
        look_alikes: "peer-denied: there the permission is refused as well.",
        remedy: "Update the server, and take out whatever rewrites TURN before it.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let bound = || refusals::served(evidence).filter_map(|endpoint| endpoint.channel.map(|channel| (endpoint.endpoint, channel)));
    // 441 is about the user and not about the channel.
    let refused: Vec<_> = bound()
        .filter_map(|(endpoint, channel)| {
            channel.fact.reply.code().filter(|code| *code != 438).map(|code| (endpoint, channel, code))
        })
        .filter(|(_, _, code)| *code != 441)
        .map(|(endpoint, channel, code)| (endpoint, channel, code, permissions(evidence, endpoint)))
        .filter(|(.., permissions)| !permissions.is_empty())
        .collect();
    let Some((_, _, code, _)) = refused.first() else {
        return Judgement::ruled_out_by(
            bound().filter(|(_, channel)| channel.fact.reply.succeeded()).map(|(_, channel)| channel.cite()).collect(),
        );
    };
    let places: Vec<_> = refused.iter().map(|(endpoint, ..)| *endpoint).collect();
    let summary = format!("The server on {} refuses ChannelBind ({code}), although it grants permissions.", list(&places));
    let found = Found::new(&RULE.cause, summary)
        .because(refused.iter().map(|(_, channel, ..)| channel.cite()))
        .because(refused.iter().flat_map(|(.., permissions)| permissions.clone()));
    let found = if evidence.is_coturn() {
        let text = "The log says what coturn did not like; update coturn if it says nothing.";
        found.fix_by(Place::Server, text, "journalctl -u coturn -n 100")
    } else {
        found.fix(Place::Server, "Update the TURN server, and look into its log at the time of this run.")
    };
    found.done()
}

fn permissions(evidence: &Evidence<'_>, endpoint: crate::model::endpoint::Endpoint) -> Vec<String> {
    let relays = evidence.relays().iter().filter(|relay| relay.endpoint == endpoint && !relay.sample);
    let granted = relays.flat_map(|relay| relay.permissions.iter()).filter(|seen| seen.fact.reply.succeeded());
    granted.map(Seen::cite).collect()
}
