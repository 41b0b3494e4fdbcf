//! `credentials-rejected`: the server refuses the credentials, and nothing known here says why.

use super::refused_credentials::{self, Reading, Refused};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CredentialsSource;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "credentials-rejected",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the TURN server rejects the credentials",
        meaning: "The server knows no such user, or another password or shared secret. Which of these it is can't be told from outside: the \
                  answer is the same on purpose.",
        impact: "The server refuses every allocation, so calls that need the relay fail.",
        proof: "The server answers a second 401 (some servers 400) to an Allocate that was signed with these credentials and the server's own \
                realm and nonce.",
        look_alikes: "credentials-expired, credentials-malformed and clock-skew get the same answer and are told by the stamp in an ephemeral \
                      user name and by the clocks. realm-missing: there the credentials were never judged.",
        remedy: "Make the user, the password or the shared secret the same in the application and on the server.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(refused) = refused_credentials::read(evidence) else { return refused_credentials::excluded(evidence) };
    match refused.reading {
        Reading::EphemeralRejected => ephemeral(evidence, &refused),
        Reading::Rejected => ordinary(evidence, &refused),
        Reading::Malformed(_) | Reading::Expired { .. } | Reading::Skewed { .. } => Judgement::Unknown,
    }
}

fn ephemeral(evidence: &Evidence<'_>, refused: &Refused<'_, '_>) -> Judgement {
    let computed = refused.credentials.is_some_and(|seen| seen.fact.source == CredentialsSource::Computed);
    let whose = if computed { "made from the shared secret" } else { "which are ephemeral and not expired" };
    let summary = format!(
        "The server on {} rejects the TURN credentials, {whose} ({}): its shared secret is another.",
        refused.place(),
        refused.code(),
    );
    let found = refused.finding(evidence, &RULE.cause, summary).confidence(Confidence::Likely).unless(
        "clock-skew",
        "compare the server's clock with this host's (date -u on both): ahead by more than their life it calls them expired",
    );
    let found = if evidence.is_coturn() {
        let text = "Set the same secret in turnserver.conf as in the application, without quotes or comments behind it, and restart coturn; \
                    a turn_secret table in its database counts as well.";
        found.fix_by(Place::Server, text, "use-auth-secret\nstatic-auth-secret=SECRET")
    } else {
        found.fix(Place::Server, "Set the same shared secret on the TURN server as in the application, and restart it.")
    };
    let text = "Or correct the secret in what makes the credentials; a line end or quotes read with it make it another.";
    refused.close(found.fix(Place::Application, text))
}

fn ordinary(evidence: &Evidence<'_>, refused: &Refused<'_, '_>) -> Judgement {
    let summary = format!(
        "The server on {} rejects the TURN credentials ({}): a wrong password, an unknown user and a wrong secret look the same on the wire.",
        refused.place(),
        refused.code(),
    );
    let found = refused.finding(evidence, &RULE.cause, summary);
    refused.close(mend(evidence, found))
}

fn mend(evidence: &Evidence<'_>, found: Found) -> Found {
    let text = "Compare the user name and the password in iceServers with those on the server; both are case-sensitive.";
    let found = found.fix(Place::Application, text);
    if evidence.is_coturn() {
        let text = "For ordinary users coturn needs these lines; with use-auth-secret it takes ephemeral credentials alone and refuses them.";
        let found = found.fix_by(Place::Server, text, "lt-cred-mech\nuser=NAME:PASSWORD");
        let text = "If the application makes ephemeral credentials, the secret must be the same on both sides.";
        found.fix_by(Place::Server, text, "use-auth-secret\nstatic-auth-secret=SECRET")
    } else {
        found.fix(Place::Server, "See that the server has this user, with this password, in the realm that it announces.")
    }
}
