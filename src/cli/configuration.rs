//! `callcheck.toml`: what a call needs and nobody wants to type, with secrets by the name of a variable or file.
//!
//! `NAME_env` stands for the variable of the environment and `NAME_file` for the first line of the file that has the value of NAME.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Usage, login};

/// The file that is read where it is there, from the working folder and then from the user's folder of configurations.
const USUAL_NAME: &str = "callcheck.toml";

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// A configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The STUN and TURN servers.
    #[serde(default)]
    ice_servers: Vec<Map<String, Value>>,
    /// The gateway.
    pub signaling: Option<Signaling>,
    /// The policy, `all` or `relay`.
    pub policy: Option<String>,
    /// How long media flows.
    pub duration: Option<String>,
    /// Where it was read.
    #[serde(skip)]
    pub file: PathBuf,
}

/// The gateway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signaling {
    /// Its URL.
    pub url: Option<String>,
    /// The chat to call in: a text or a number.
    pub chat_id: Option<Value>,
    /// The path of its Engine.IO endpoint.
    pub path: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// `both`, `websocket` or `polling`.
    pub transports: Option<String>,
    /// The origin of the application's page.
    pub origin: Option<String>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// Parameters of every request.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// The caller's login.
    #[serde(default)]
    pub caller: Account,
    /// The callee's login.
    #[serde(default)]
    pub callee: Account,
    /// Other names of events.
    #[serde(default)]
    pub events: BTreeMap<String, String>,
    /// Other names of fields.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
}

/// An account at the gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What is sent to log in.
    #[serde(default)]
    pub auth: Map<String, Value>,
}

impl Configuration {
    /// Reads the file that was named, or the usual one where it is there.
    pub fn read(named: Option<&Path>) -> Result<Self, Usage> {
        let Some(file) = named.map(Path::to_owned).or_else(usual_file) else { return Ok(Self::default()) };
        let shown = file.display().to_string();
        let text = super::planning::read_text(&shown, "--config", LONGEST_FILE)?;
        let wrong = |why: String| Usage(format!("invalid value {shown:?} for --config: {why}"));
        let mut configuration: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim().to_owned()))?;
        configuration.file = file;
        Ok(configuration)
    }

    /// The list of ICE servers as a browser has it, in JSON, with its secrets filled in; nothing where there is none.
    pub fn ice_servers(&self) -> Result<Option<String>, Usage> {
        if self.ice_servers.is_empty() {
            return Ok(None);
        }
        let filled: Result<Vec<Value>, Usage> =
            self.ice_servers.iter().map(|entry| filled(entry, "ice_servers").map(Value::Object)).collect();
        Ok(Some(json!(filled?).to_string()))
    }
}

/// The same table with the values of `NAME_env` and `NAME_file` as NAME.
pub fn filled(table: &Map<String, Value>, place: &str) -> Result<Map<String, Value>, Usage> {
    let mut filled = Map::new();
    for (key, value) in table {
        let key_in_file = format!("{place}.{key}");
        if let Value::Object(inner) = value {
            filled.insert(key.clone(), Value::Object(self::filled(inner, &key_in_file)?));
        } else if let (Some(name), Value::String(variable)) = (key.strip_suffix("_env"), value) {
            let secret = login::variable(variable)?.ok_or_else(|| unset(&key_in_file, variable))?;
            filled.insert(name.to_owned(), secret.expose().into());
        } else if let (Some(name), Value::String(file)) = (key.strip_suffix("_file"), value) {
            let secret = login::read(Path::new(file), &key_in_file)?;
            filled.insert(name.to_owned(), secret.expose().into());
        } else {
            filled.insert(key.clone(), value.clone());
        }
    }
    Ok(filled)
}

fn unset(key: &str, variable: &str) -> Usage {
    Usage(format!("invalid value {variable:?} for {key}: no such variable is set in the environment"))
}

fn usual_file() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let usual = [Some(PathBuf::from(USUAL_NAME)), folder.map(|folder| folder.join("callcheck").join(USUAL_NAME))];
    usual.into_iter().flatten().find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_read() {
        let text = r#"
            ice_servers = [ { urls = ["stun:turn.example.org", "turn:turn.example.org"], username = "alice", credential = "x" } ]

            [signaling]
            url = "https://chat.example.org"
            chat_id = "42"
            path = "/socket.io/"
            caller.auth = { token = "a" }
            callee.auth = { token = "b" }

            [signaling.events]
            end = "call:end"

            [signaling.keys]
            chat_id = "chatId"
        "#;
        let configuration: Configuration = toml::from_str(text).expect("a right file");
        assert!(configuration.ice_servers().expect("no secrets").expect("servers").contains("turn:turn.example.org"));
        let signaling = configuration.signaling.expect("a gateway");
        assert_eq!(signaling.caller.auth["token"], "a");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = toml::from_str::<Configuration>("[signaling]\nurI = 'x'").expect_err("an unknown key");
        assert!(error.to_string().contains("urI"), "{error}");
    }

    #[test]
    fn a_variable_that_is_missing_is_named_with_its_key() {
        let table = json!({"token_env": "CALLCHECK_TEST_NOT_SET"});
        let error = filled(table.as_object().expect("a table"), "signaling.caller.auth").expect_err("it isn't set");
        assert!(error.to_string().contains("signaling.caller.auth.token_env"), "{error}");
    }
}
