//! `credentials-malformed`: the credentials are refused and not made as they should be.

use super::refused_credentials::{self, Reading};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CredentialsOddity;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "credentials-malformed",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the TURN credentials are made wrongly",
        meaning: "What makes the ephemeral (REST) credentials does not follow the rules: the stamp is in seconds since 1970 and is the time of \
                  expiry, the password is the base64 text of HMAC-SHA1(secret, user name), and the secret is taken as the bytes of its text.",
        impact: "The server refuses every allocation with them, so calls that need the relay fail.",
        proof: "The server answers 401 to a correctly signed Allocate, and the credentials themselves show the mistake: a stamp in \
                milliseconds, a password in hexadecimal or of the wrong length, white space around them.",
        look_alikes: "credentials-rejected: if the server knows an ordinary user by that name, the password is simply another.",
        remedy: "Make the password as base64(HMAC-SHA1(secret, \"expiry:id\")) with the expiry in seconds.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(refused) = refused_credentials::read(evidence) else { return refused_credentials::excluded(evidence) };
    let Reading::Malformed(oddity) = refused.reading else { return Judgement::Unknown };
    let summary = format!("{}, and the server on {} refuses it ({}).", mistake(oddity), refused.place(), refused.code());
    let found = refused.finding(evidence, &RULE.cause, summary);
    let found = if oddity == CredentialsOddity::StampInMilliseconds {
        found
    } else {
        let decide = "make the credentials anew in the right form; if they are refused as well, it is the password or the secret";
        found.confidence(Confidence::Likely).unless("credentials-rejected", decide)
    };
    refused.close(mend(found, oddity))
}

fn mistake(oddity: CredentialsOddity) -> &'static str {
    match oddity {
        CredentialsOddity::StampInMilliseconds => "The stamp in the TURN user name is in milliseconds and must be in seconds",
        CredentialsOddity::StampIsIssueTime => "The stamp in the TURN user name is the time of issue and must be that of expiry",
        CredentialsOddity::PasswordIsHex => "The TURN password is the hexadecimal text of an HMAC and must be its base64 text",
        CredentialsOddity::PasswordNotBase64Hmac => {
            "The TURN user name is an ephemeral one, but its password is not the base64 text of an HMAC-SHA1"
        }
        CredentialsOddity::SurroundingSpace => "The TURN user name or password begins or ends with white space",
        CredentialsOddity::NameWithSpace => "The TURN user name has a space",
        CredentialsOddity::NameNotAscii => "The TURN user name has characters beyond ASCII",
        CredentialsOddity::PasswordNotAscii => "The TURN password has characters beyond ASCII",
    }
}

fn mend(found: Found, oddity: CredentialsOddity) -> Found {
    if oddity == CredentialsOddity::SurroundingSpace {
        let text =
            "Strip the white space where the credentials are stored or read; a line end in a secret's file is the usual source.";
        return found.fix(Place::Application, text);
    }
    let text = if oddity == CredentialsOddity::StampInMilliseconds {
        "Divide the time by 1000 before it goes into the user name, then sign that name."
    } else {
        "Make the credentials like this: the whole user name is signed, and the secret is used as its plain text."
    };
    let shell = "U=$(($(date +%s)+86400)):id; printf %s \"$U\" | openssl dgst -sha1 -hmac \"$SECRET\" -binary | base64";
    found.fix_by(Place::Application, text, shell)
}
