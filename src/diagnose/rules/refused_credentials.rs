//! What the rules on refused credentials share: one reading of the same refusal, so that exactly one of them speaks.
//!
//! On the wire a wrong password, an unknown user, a wrong secret and an expired name are the same 401; only what is known here,
//! the stamp in the name and the clocks, tells them apart.

use super::refusals::{self, Refusal};
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement};
use crate::diagnose::server::list;
use crate::model::cause::Cause;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{CredentialsFact, CredentialsOddity, CredentialsSource};
use crate::model::finding::Confidence;

/// When the draft on ephemeral credentials appeared: an older stamp next to a password that is no HMAC is a number for a name.
const FIRST_STAMP_S: i64 = 1_356_998_400;

/// The longest life of ephemeral credentials that is believable, in seconds: ten years.
const LONGEST_LIFE_S: i64 = 10 * 365 * 86_400;

/// Credentials that ended this recently may have been stamped with the time of issue, in seconds.
const JUST_ENDED_S: i64 = 300;

/// What the refusal comes from, by all that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// They are not made as they should be.
    Malformed(CredentialsOddity),
    /// The stamp in the name lies that many seconds back.
    Expired {
        /// How long ago they ended, in seconds.
        ago: i64,
        /// Whether the stamp may be the time of issue.
        just: bool,
    },
    /// They are valid by this host's clock, and expired by those of others.
    Skewed {
        /// How many seconds this host's clock is behind.
        behind: i64,
    },
    /// They are ephemeral and in order.
    EphemeralRejected,
    /// They are an ordinary user's.
    Rejected,
}

/// Refused credentials.
pub struct Refused<'e, 'a> {
    /// The refusals.
    pub refusals: Vec<Refusal<'e, 'a>>,
    /// What they come from.
    pub reading: Reading,
    /// What is known of the credentials.
    pub credentials: Option<Seen<'a, CredentialsFact>>,
    /// Whether several credentials were given, which read differently.
    ambiguous: bool,
    /// The endpoints that ask for credentials and granted nothing.
    lost: Vec<Endpoint>,
    /// The clocks that were compared.
    clocks: Vec<String>,
}

/// Reads the refusals of credentials; nothing where none were refused.
#[must_use]
pub fn read<'e, 'a>(evidence: &'e Evidence<'a>) -> Option<Refused<'e, 'a>> {
    let refusals: Vec<_> = refusals::all(evidence).into_iter().filter(|refusal| is_of_credentials(evidence, refusal)).collect();
    if refusals.is_empty() {
        return None;
    }
    let behind = evidence.clock_behind();
    let mut readings: Vec<_> = evidence.credentials().map(|seen| (of_credentials(seen.fact, behind), seen)).collect();
    readings.sort_by_key(|(reading, _)| rank(*reading));
    let ambiguous = readings.iter().any(|(reading, _)| rank(*reading) != rank(readings[0].0));
    let (reading, credentials) = readings.first().map_or((Reading::Rejected, None), |(reading, seen)| (*reading, Some(*seen)));
    let lost = refusals::served(evidence).filter(|endpoint| asks_in_vain(endpoint)).map(|endpoint| endpoint.endpoint).collect();
    let clocks = evidence.clocks().map(|clock| clock.cite()).collect();
    Some(Refused { refusals, reading, credentials, ambiguous, lost, clocks })
}

/// Refused credentials are tried no further, so an endpoint that still asks for them is lost with the one that refused them.
fn asks_in_vain(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.allocation().is_none() && endpoint.challenge.is_some_and(|challenge| challenge.fact.reply.code() == Some(401))
}

/// Whether a refusal is about the credentials: 401, or 400 from the servers that answer so to a wrong password.
#[must_use]
pub fn is_of_credentials(evidence: &Evidence<'_>, refusal: &Refusal<'_, '_>) -> bool {
    let challenged = refusal.signed && !lacks_realm(refusal.endpoint);
    match refusal.code {
        401 => challenged,
        400 => challenged && answers_400_to_all(evidence, refusal.endpoint),
        _ => false,
    }
}

/// pion and webrtc-rs answer 400 to wrong credentials, and don't say who they are.
fn answers_400_to_all(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> bool {
    let is_such = |software: &str| ["pion", "webrtc"].iter().any(|name| software.to_ascii_lowercase().contains(name));
    endpoint.software().map_or(!evidence.is_coturn() && unusual(evidence, endpoint).is_empty(), is_such)
}

/// Whether a challenge lacks what credentials are computed with.
#[must_use]
pub fn lacks_realm(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.challenge.is_some_and(|challenge| {
        let asks = challenge.fact.reply.code() == Some(401);
        asks && (challenge.fact.realm.as_deref().unwrap_or_default().is_empty() || !challenge.fact.nonce)
    })
}

/// What is unusual about a request, in words that tell nothing secret: servers are known to refuse such requests.
#[must_use]
pub fn unusual(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> Vec<String> {
    let realm = endpoint.challenge.and_then(|challenge| challenge.fact.realm.as_deref()).unwrap_or_default();
    let realm_is_odd = !realm.is_ascii() || realm.contains(char::is_whitespace);
    let oddities = evidence.credentials().flat_map(|seen| seen.fact.oddities.iter().copied());
    let mut words: Vec<String> = oddities.filter_map(character_of).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    if realm_is_odd {
        words.insert(0, format!("the realm \"{realm}\" has a space or characters beyond ASCII"));
    }
    words
}

fn character_of(oddity: CredentialsOddity) -> Option<&'static str> {
    match oddity {
        CredentialsOddity::NameWithSpace => Some("the user name has a space"),
        CredentialsOddity::NameNotAscii => Some("the user name has characters beyond ASCII"),
        CredentialsOddity::PasswordNotAscii => Some("the password has characters beyond ASCII"),
        CredentialsOddity::StampInMilliseconds
        | CredentialsOddity::StampIsIssueTime
        | CredentialsOddity::PasswordNotBase64Hmac
        | CredentialsOddity::PasswordIsHex
        | CredentialsOddity::SurroundingSpace => None,
    }
}

fn of_credentials(credentials: &CredentialsFact, behind: i64) -> Reading {
    let has = |oddity| credentials.oddities.contains(&oddity);
    // A stamp in milliseconds is never right, whenever it ends.
    if has(CredentialsOddity::StampInMilliseconds) {
        return Reading::Malformed(CredentialsOddity::StampInMilliseconds);
    }
    if let Some(expires_at) = ephemeral_end(credentials) {
        let left_here = expires_at - credentials.now;
        let left = left_here - behind;
        if left <= 0 && left_here > 0 {
            return Reading::Skewed { behind };
        }
        if left <= 0 {
            return Reading::Expired { ago: -left, just: -left < JUST_ENDED_S };
        }
        if has(CredentialsOddity::PasswordIsHex) {
            return Reading::Malformed(CredentialsOddity::PasswordIsHex);
        }
        if has(CredentialsOddity::PasswordNotBase64Hmac) {
            return Reading::Malformed(CredentialsOddity::PasswordNotBase64Hmac);
        }
        return Reading::EphemeralRejected;
    }
    if has(CredentialsOddity::SurroundingSpace) {
        return Reading::Malformed(CredentialsOddity::SurroundingSpace);
    }
    match credentials.source {
        CredentialsSource::Computed => Reading::EphemeralRejected,
        CredentialsSource::Given => Reading::Rejected,
    }
}

/// When ephemeral credentials end. A number beside an ordinary password is a name, such as that of a telephone.
fn ephemeral_end(credentials: &CredentialsFact) -> Option<i64> {
    let expires_at = credentials.expires_at?;
    let believable = expires_at >= FIRST_STAMP_S && expires_at <= credentials.now + LONGEST_LIFE_S;
    let ordinary = credentials.oddities.contains(&CredentialsOddity::PasswordNotBase64Hmac);
    (believable || !ordinary).then_some(expires_at)
}

fn rank(reading: Reading) -> u8 {
    match reading {
        Reading::Expired { .. } => 0,
        Reading::Malformed(_) => 1,
        Reading::Skewed { .. } => 2,
        Reading::EphemeralRejected => 3,
        Reading::Rejected => 4,
    }
}

impl Refused<'_, '_> {
    /// Begins the finding: its level, its evidence, and what the kind of refusal leaves open.
    pub fn finding(&self, evidence: &Evidence<'_>, cause: &Cause, summary: impl Into<String>) -> Found {
        let challenges = self.refusals.iter().filter_map(|refusal| refusal.endpoint.challenge.map(|challenge| challenge.cite()));
        let found = Found::new(cause, summary)
            .level(refusals::level(evidence, cause, &self.lost))
            .because(refusals::cite(&self.refusals))
            .because(self.credentials.map(|seen| seen.cite()))
            .because(challenges)
            .because(self.clocks.clone());
        let unusual = self.refusals.iter().flat_map(|refusal| unusual(evidence, refusal.endpoint)).next();
        if let Some(unusual) = unusual {
            let decide = format!("{unusual}, which some servers refuse although it is right: try with plain ASCII and no space");
            return found.confidence(Confidence::Likely).unless("allocation-refused", decide);
        }
        if self.refusals.iter().all(|refusal| refusal.code == 400) {
            let decide =
                "the server answers 400, which may mean the request as well as the password: try a new user with a simple name";
            return found.confidence(Confidence::Likely).unless("allocation-refused", decide);
        }
        found
    }

    /// Where several credentials were given, which of them was refused is a guess.
    pub fn close(&self, found: Found) -> Judgement {
        if self.ambiguous { found.confidence(Confidence::Likely).done() } else { found.done() }
    }

    /// Where they were refused.
    #[must_use]
    pub fn place(&self) -> String {
        list(&refusals::endpoints(&self.refusals))
    }

    /// The code of the refusal.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.refusals.first().map_or(401, |refusal| refusal.code)
    }
}

/// What excludes that credentials are at fault: an allocation, or a refusal for a reason that has nothing to do with them.
#[must_use]
pub fn excluded(evidence: &Evidence<'_>) -> Judgement {
    let granted = refusals::granted(evidence);
    let refused =
        refusals::all(evidence).into_iter().filter(|refusal| refusal.signed && !matches!(refusal.code, 300 | 400 | 401));
    let without_realm = refusals::served(evidence).filter(|endpoint| lacks_realm(endpoint));
    let without_realm = without_realm.filter_map(|endpoint| endpoint.challenge.map(|challenge| challenge.cite()));
    Judgement::ruled_out_by(
        granted.into_iter().chain(refused.flat_map(|refusal| refusal.evidence)).chain(without_realm).collect(),
    )
}
