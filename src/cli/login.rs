//! Where the password or the secret comes from: flag over environment, and a prompt on a terminal last.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use super::arguments;
use super::usage::Usage;
use crate::model::secret::{Credentials, Secret};
use crate::proto::responder::{SHORTEST_TOKEN, Token};
use crate::run::plan::Login;

const PASSWORD_VARIABLE: &str = "CALLCHECK_TURN_PASSWORD";
const SECRET_VARIABLE: &str = "CALLCHECK_TURN_SECRET";

/// The longest file that is read for a secret, in bytes.
const LONGEST_FILE: u64 = 64 * 1024;

/// What to log in with, where anything was given.
pub fn resolve(arguments: &arguments::Login) -> Result<Option<Login>, Usage> {
    let flag_password = first(arguments.password.as_deref(), arguments.password_file.as_deref(), "--password-file")?;
    let flag_secret = first(arguments.secret.as_deref(), arguments.secret_file.as_deref(), "--secret-file")?;
    let (password, secret) = match (flag_password, flag_secret) {
        (None, None) => (variable(PASSWORD_VARIABLE)?, variable(SECRET_VARIABLE)?),
        flags => flags,
    };
    match (password, secret, &arguments.user) {
        (Some(_), Some(_), _) => {
            Err(Usage(format!("both {PASSWORD_VARIABLE} and {SECRET_VARIABLE} are set: give the one or the other")))
        }
        (None, Some(secret), user) => Ok(Some(Login::SharedSecret { secret, id: user.as_deref().map(Secret::new) })),
        (Some(password), None, Some(user)) => Ok(Some(given(user, password))),
        (Some(_), None, None) if arguments.password.is_some() || arguments.password_file.is_some() => {
            Err(Usage("a password was given without --user NAME".to_owned()))
        }
        (Some(_), None, None) => Ok(None),
        (None, None, Some(user)) => prompt(user).map(Some),
        (None, None, None) => Ok(None),
    }
}

fn given(user: &str, password: Secret) -> Login {
    Login::Given(Credentials { username: Secret::new(user), password })
}

fn first(value: Option<&str>, file: Option<&Path>, option: &str) -> Result<Option<Secret>, Usage> {
    match (value, file) {
        (Some(value), _) => Ok(Some(Secret::new(value))),
        (None, Some(file)) => read(file, option).map(Some),
        (None, None) => Ok(None),
    }
}

/// A secret in the first line of a file.
pub fn read(file: &Path, option: &str) -> Result<Secret, Usage> {
    let wrong = |why: &str| Usage(format!("invalid value {:?} for {option}: {why}", file.display().to_string()));
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(|error| wrong(&error.to_string()))?;
    opened.take(LONGEST_FILE).read_to_end(&mut bytes).map_err(|error| wrong(&error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text"))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(wrong("its first line is empty")) } else { Ok(Secret::new(line)) }
}

/// A responder's token in the first line of a file.
pub fn token(file: &Path) -> Result<Token, Usage> {
    Token::new(&read(file, "--token-file")?).ok_or_else(|| {
        let file = file.display().to_string();
        Usage(format!(
            "invalid value {file:?} for --token-file: its first line has fewer than {SHORTEST_TOKEN} characters\n\
             hint: openssl rand -hex 16 makes one that has enough"
        ))
    })
}

/// A secret in a variable of the environment; an empty one is none.
pub fn variable(name: &str) -> Result<Option<Secret>, Usage> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(Secret::new(value))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Usage(format!("{name} is not UTF-8 text"))),
    }
}

fn prompt(user: &str) -> Result<Login, Usage> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage(format!(
            "--user {user} has no password: give --password-file FILE or set {PASSWORD_VARIABLE} (or {SECRET_VARIABLE})"
        )));
    }
    let password = rpassword::prompt_password(format!("TURN password of {user}: "))
        .map_err(|error| Usage(format!("the password of --user {user} could not be read: {error}")))?;
    Ok(given(user, Secret::new(password)))
}
